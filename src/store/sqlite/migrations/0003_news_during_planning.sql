-- While a change is being planned, news that comes meanwhile waits in a row of its own.
DROP INDEX changes_one_waits;
CREATE UNIQUE INDEX changes_one_waits ON changes (case_key) WHERE planned_at IS NULL AND progress IS NULL;
CREATE INDEX changes_unplanned ON changes (case_key) WHERE planned_at IS NULL;
