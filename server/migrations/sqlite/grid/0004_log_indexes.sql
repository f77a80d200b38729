-- Where the lines of a stored log begin, and which stand out. All of it can be read again from the
-- bucket.
CREATE TABLE log_indexes (
    uri        TEXT    NOT NULL PRIMARY KEY,
    version    TEXT    NOT NULL,             -- of the object that was read
    made_ms    INTEGER NOT NULL,
    lines      BLOB    NOT NULL,
    folds      BLOB    NOT NULL,
    highlights TEXT    NOT NULL,             -- the expressions that the errors were found with
    errors     BLOB    NOT NULL
) STRICT;

CREATE INDEX log_indexes_newest ON log_indexes (made_ms DESC, uri);
