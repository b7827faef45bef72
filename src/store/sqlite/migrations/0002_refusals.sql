-- Why an account is held: it was refused itself, or one recipient after the other was.
ALTER TABLE accounts ADD COLUMN why TEXT NOT NULL DEFAULT 'account' CHECK (why IN ('account', 'recipients'));

-- The last permanent refusal of each contact that has not been accepted since. Suspected: nobody has been accepted
-- since, so that it may be the relay's. Known: it was followed by a hold, or by an acceptance of somebody else.
CREATE TABLE refusals (
    contact_key INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,
    code        INTEGER NOT NULL,
    standing    TEXT NOT NULL CHECK (standing IN ('suspected', 'known')),
    since       INTEGER NOT NULL
) STRICT;
CREATE INDEX refusals_suspected ON refusals (account) WHERE standing = 'suspected';
