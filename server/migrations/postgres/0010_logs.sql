-- Where the lines of a stored log begin, and which stand out. All of it can be read again from the
-- bucket.
CREATE TABLE log_indexes (
    uri        TEXT   NOT NULL PRIMARY KEY,
    version    TEXT   NOT NULL,              -- of the object that was read
    made_ms    BIGINT NOT NULL,
    lines      BYTEA  NOT NULL,
    folds      BYTEA  NOT NULL,
    highlights TEXT   NOT NULL,              -- the expressions that the errors were found with
    errors     BYTEA  NOT NULL
);

CREATE INDEX log_indexes_newest ON log_indexes (made_ms DESC, uri);

-- Lines of logs that somebody pinned for others to see.
CREATE TABLE log_pins (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run        TEXT   NOT NULL,              -- the ProwJob
    first_line BIGINT NOT NULL,              -- counted from 1
    last_line  BIGINT NOT NULL,
    note       TEXT   NOT NULL,
    who        TEXT   NOT NULL,
    at_ms      BIGINT NOT NULL,
    UNIQUE (run, first_line, last_line)
);
