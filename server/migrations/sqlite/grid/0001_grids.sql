-- Test grids: the builds of each test group, the names of its rows, and what its tabs show. All of
-- it can be read again from the bucket, as long as the bucket has it.
CREATE TABLE grid_groups (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    config     BLOB    NOT NULL,             -- the group's configuration that the builds were read with
    updated_ms INTEGER NOT NULL DEFAULT 0,   -- the last look at its prefixes, 0 before the first
    swept_ms   INTEGER NOT NULL DEFAULT 0,   -- the last full listing, 0 before the first
    error      TEXT    NOT NULL DEFAULT '',  -- what went wrong at the last look
    error_ms   INTEGER                       -- since when
) STRICT;

-- Distinct names of rows. The id begins with the length of the name, so that the order of ids is
-- the order of a search: short names first.
CREATE TABLE grid_tests (
    id   INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,                   -- of the name: an index of names would be as large as they
    name TEXT    NOT NULL
) STRICT;

CREATE INDEX grid_tests_hash ON grid_tests (hash);

-- The greatest number ever given to a name.
CREATE TABLE grid_test_numbers (last INTEGER NOT NULL) STRICT;
INSERT INTO grid_test_numbers (last) VALUES (0);

-- The letters of the names, three by three, in small letters and with two letters U+0001 behind.
CREATE VIRTUAL TABLE grid_test_words USING fts5(
    name, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
);
CREATE VIRTUAL TABLE grid_test_trigrams USING fts5vocab('grid_test_words', 'row');

-- Row `number` of a group's grid.
CREATE TABLE grid_rows (
    group_id INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    test_id  INTEGER NOT NULL,
    PRIMARY KEY (group_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX grid_rows_test ON grid_rows (test_id, group_id);

-- A build: one column of a group's grid.
CREATE TABLE grid_builds (
    group_id   INTEGER NOT NULL,
    object     TEXT    NOT NULL,             -- gs://bucket/logs/job/1/
    build      TEXT    NOT NULL,
    started_ms INTEGER NOT NULL,
    running    INTEGER NOT NULL,             -- 1 until it has finished
    read_ms    INTEGER NOT NULL,
    cells      BLOB    NOT NULL,
    PRIMARY KEY (group_id, object)
) STRICT;

-- Everything but the cells, so that a list of builds does not read them.
CREATE INDEX grid_builds_newest
    ON grid_builds (group_id, started_ms DESC, object DESC, build, running, read_ms);
CREATE INDEX grid_builds_running ON grid_builds (group_id) WHERE running = 1;

CREATE TABLE grid_summaries (
    dashboard TEXT NOT NULL,
    tab       TEXT NOT NULL,
    summary   BLOB NOT NULL,
    PRIMARY KEY (dashboard, tab)
) STRICT;

-- One row that the readiness check writes.
CREATE TABLE heartbeat (beats INTEGER NOT NULL) STRICT;
INSERT INTO heartbeat (beats) VALUES (0);
