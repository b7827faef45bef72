-- Times are milliseconds since 1970 in UTC. Words are those of `as_str` in src/domain. A column named `body`
-- holds one JSON document that is read and written whole.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Cases ------------------------------------------------------------------------------------------------------

CREATE TABLE cases (
    case_key  INTEGER PRIMARY KEY AUTOINCREMENT,
    version   INTEGER NOT NULL CHECK (version >= 1),
    id        TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL,
    source    TEXT NOT NULL,
    incident  TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('open', 'ended', 'closed', 'archived')),
    episode   INTEGER NOT NULL CHECK (episode >= 1),
    sequence  INTEGER NOT NULL CHECK (sequence >= 0),
    opened_at INTEGER NOT NULL,
    ended_at  INTEGER,
    closed_at INTEGER,
    wake_at   INTEGER,
    facts     TEXT NOT NULL,
    timers    TEXT NOT NULL,
    UNIQUE (source, incident),
    CHECK ((ended_at IS NULL) = (state = 'open')),
    CHECK ((closed_at IS NULL) = (state IN ('open', 'ended')))
) STRICT;
CREATE UNIQUE INDEX cases_reference ON cases (upper(reference));
CREATE INDEX cases_wake ON cases (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX cases_state ON cases (state, source);
CREATE INDEX cases_closed ON cases (state, closed_at);

CREATE TABLE updates (
    case_key INTEGER NOT NULL REFERENCES cases,
    number   INTEGER NOT NULL CHECK (number >= 1),
    id       TEXT NOT NULL,
    sequence INTEGER CHECK (sequence >= 0),
    body     TEXT NOT NULL,
    PRIMARY KEY (case_key, number),
    UNIQUE (case_key, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    case_key   INTEGER NOT NULL REFERENCES cases,
    sequence   INTEGER NOT NULL CHECK (sequence >= 1),
    episode    INTEGER NOT NULL CHECK (episode >= 1),
    due_at     INTEGER NOT NULL,
    planned_at INTEGER,
    -- The last client planned, while planning is under way.
    progress   TEXT CHECK (progress IS NULL OR planned_at IS NULL),
    body       TEXT NOT NULL,
    PRIMARY KEY (case_key, sequence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX changes_one_waits ON changes (case_key) WHERE planned_at IS NULL;
CREATE INDEX changes_due ON changes (due_at) WHERE planned_at IS NULL;

-- Threads ----------------------------------------------------------------------------------------------------

CREATE TABLE variants (
    variant  INTEGER PRIMARY KEY,
    case_key INTEGER NOT NULL REFERENCES cases,
    hash     TEXT NOT NULL,
    body     TEXT NOT NULL,
    UNIQUE (case_key, hash)
) STRICT;

CREATE TABLE threads (
    case_key      INTEGER NOT NULL REFERENCES cases,
    contact_key   INTEGER NOT NULL,
    client_id     TEXT NOT NULL,
    channel       TEXT NOT NULL,
    -- The first sequence planned: what came before was never meant for this contact.
    entered       INTEGER NOT NULL CHECK (entered >= 1),
    episode       INTEGER NOT NULL CHECK (episode >= 1),
    told          INTEGER NOT NULL CHECK (told >= 0),
    wanted        INTEGER NOT NULL,
    standing      TEXT NOT NULL CHECK (standing IN ('in', 'out')),
    owed          INTEGER NOT NULL CHECK (owed IN (0, 1)),
    state         TEXT NOT NULL CHECK (state IN ('active', 'failed', 'cancelled')),
    first_told    INTEGER,
    notices       INTEGER NOT NULL CHECK (notices >= 0),
    since         INTEGER,
    due_at        INTEGER,
    attempts      INTEGER NOT NULL CHECK (attempts >= 0),
    variant       INTEGER NOT NULL,
    told_variant  INTEGER,
    asked         TEXT NOT NULL,
    last_key      TEXT,
    uncertain     INTEGER NOT NULL CHECK (uncertain IN (0, 1)),
    cause         TEXT,
    -- News that was planned while an attempt was under way: it is due by these once the attempt is settled.
    raised_since  INTEGER,
    raised_due_at INTEGER,
    claim_epoch   INTEGER,
    claim_from    INTEGER,
    claim_to      INTEGER,
    claim_variant INTEGER,
    claimed_at    INTEGER,
    PRIMARY KEY (case_key, contact_key),
    CHECK (told <= wanted),
    CHECK (first_told IS NULL OR first_told <= told),
    CHECK (NOT (wanted > told AND state = 'active') OR (since IS NOT NULL AND due_at IS NOT NULL)),
    CHECK (wanted > told OR (since IS NULL AND due_at IS NULL)),
    CHECK ((raised_since IS NULL) = (raised_due_at IS NULL)),
    CHECK (raised_since IS NULL OR wanted > claim_to),
    CHECK ((claim_epoch IS NULL) = (claim_from IS NULL) AND (claim_epoch IS NULL) = (claim_to IS NULL)
       AND (claim_epoch IS NULL) = (claim_variant IS NULL) AND (claim_epoch IS NULL) = (claimed_at IS NULL)),
    CHECK (claim_epoch IS NULL OR (state = 'active' AND claim_from = told AND claim_from < claim_to AND claim_to <= wanted))
) STRICT, WITHOUT ROWID;
CREATE INDEX threads_due ON threads (channel, due_at, since)
    WHERE wanted > told AND state = 'active' AND claim_epoch IS NULL;
CREATE INDEX threads_claimed ON threads (claim_epoch) WHERE claim_epoch IS NOT NULL;
CREATE INDEX threads_unsettled ON threads (case_key) WHERE state = 'active' AND (owed = 1 OR wanted > told);
CREATE INDEX threads_failed ON threads (case_key) WHERE state = 'failed';
CREATE INDEX threads_client ON threads (case_key, client_id);

CREATE TABLE deliveries (
    case_key      INTEGER NOT NULL REFERENCES cases,
    contact_key   INTEGER NOT NULL,
    from_sequence INTEGER NOT NULL CHECK (from_sequence >= 0),
    to_sequence   INTEGER NOT NULL,
    variant       INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('delivered', 'failed', 'cancelled')),
    uncertain     INTEGER NOT NULL CHECK (uncertain IN (0, 1)),
    attempts      INTEGER NOT NULL CHECK (attempts >= 0),
    planned_at    INTEGER NOT NULL,
    settled_at    INTEGER NOT NULL,
    receipt       TEXT,
    cause         TEXT,
    key           TEXT,
    PRIMARY KEY (case_key, contact_key, to_sequence),
    CHECK (from_sequence < to_sequence),
    -- What is called delivered has the other side's answer, and the key that it was sent under.
    CHECK (state <> 'delivered' OR (receipt IS NOT NULL AND key IS NOT NULL AND uncertain = 0)),
    CHECK (state = 'delivered' OR cause IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    case_key    INTEGER NOT NULL REFERENCES cases,
    contact_key INTEGER NOT NULL,
    to_sequence INTEGER NOT NULL,
    attempt     INTEGER NOT NULL CHECK (attempt >= 1),
    at          INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    cause       TEXT NOT NULL,
    -- The time, because a retry by hand counts from 1 again.
    PRIMARY KEY (case_key, contact_key, to_sequence, attempt, at)
) STRICT, WITHOUT ROWID;

-- The client book --------------------------------------------------------------------------------------------

-- Identity outlives the generations: a thread names its contact by this key.
CREATE TABLE contacts (
    contact_key INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id   TEXT NOT NULL,
    channel     TEXT NOT NULL,
    address     TEXT NOT NULL,
    gone_at     INTEGER,
    UNIQUE (client_id, channel, address)
) STRICT;

CREATE TABLE book_clients (
    generation     INTEGER NOT NULL,
    client_id      TEXT NOT NULL,
    name           TEXT NOT NULL,
    locale         TEXT,
    timezone       TEXT NOT NULL,
    has_priorities INTEGER NOT NULL CHECK (has_priorities IN (0, 1)),
    body           TEXT NOT NULL,
    PRIMARY KEY (generation, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE book_contacts (
    generation  INTEGER NOT NULL,
    contact_key INTEGER NOT NULL,
    client_id   TEXT NOT NULL,
    position    INTEGER NOT NULL CHECK (position >= 0),
    fallback    INTEGER NOT NULL CHECK (fallback IN (0, 1)),
    secret      TEXT,
    name        TEXT,
    PRIMARY KEY (generation, contact_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX book_contacts_client ON book_contacts (generation, client_id, position);

CREATE TABLE book_components (
    generation INTEGER NOT NULL,
    component  TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    PRIMARY KEY (generation, component, client_id)
) STRICT, WITHOUT ROWID;

-- Sources, accounts, nodes -----------------------------------------------------------------------------------

CREATE TABLE feeds (
    name          TEXT PRIMARY KEY,
    due_at        INTEGER NOT NULL,
    first_read_at INTEGER,
    last_good_at  INTEGER,
    failing_since INTEGER,
    page_id       TEXT,
    poked_at      INTEGER,
    body          TEXT NOT NULL,
    CHECK (last_good_at IS NULL OR first_read_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    name       TEXT PRIMARY KEY,
    held_since INTEGER NOT NULL,
    cause      TEXT NOT NULL,
    probe_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE epochs (
    epoch      INTEGER PRIMARY KEY AUTOINCREMENT,
    node       TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    CHECK (renewed_at >= started_at)
) STRICT;
