-- Another id under which a source speaks of an incident that we follow already: a webhook's of a feed's, a child's of
-- its parent.
CREATE TABLE aliases (
    source   TEXT NOT NULL,
    incident TEXT NOT NULL,
    case_key INTEGER NOT NULL REFERENCES cases,
    PRIMARY KEY (source, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_case ON aliases (case_key);
