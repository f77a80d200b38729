-- Lines of logs that somebody pinned for others to see.
CREATE TABLE log_pins (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run        TEXT    NOT NULL,             -- the ProwJob
    first_line INTEGER NOT NULL,             -- counted from 1
    last_line  INTEGER NOT NULL,
    note       TEXT    NOT NULL,
    who        TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    UNIQUE (run, first_line, last_line)
) STRICT;
