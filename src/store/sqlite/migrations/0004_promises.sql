-- Every time of the next word that a message printed, once for each client, notice and time. It is kept by the first
-- later notice that any contact of the client accepts in time, broken when none has, and released when nobody of the
-- client could be told any more.
CREATE TABLE promises (
    case_key  INTEGER NOT NULL REFERENCES cases,
    client_id TEXT NOT NULL,
    sequence  INTEGER NOT NULL CHECK (sequence >= 1),
    due_at    INTEGER NOT NULL,
    made_at   INTEGER NOT NULL,
    -- When the next word was accepted, in time or not.
    came_at   INTEGER,
    result    TEXT CHECK (result IN ('kept', 'broken', 'released')),
    PRIMARY KEY (case_key, client_id, sequence, due_at),
    CHECK (result IS NOT 'kept' OR (came_at IS NOT NULL AND came_at <= due_at + 60000)),
    CHECK (result IS NOT 'released' OR came_at IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX promises_open ON promises (due_at) WHERE result IS NULL;
CREATE INDEX promises_broken ON promises (due_at) WHERE result = 'broken';
