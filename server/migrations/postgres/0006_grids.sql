-- Test grids: the builds of each test group, the names of its rows, and what its tabs show. All of
-- it can be read again from the bucket, as long as the bucket has it.
CREATE TABLE grid_groups (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    config     BYTEA  NOT NULL,              -- the group's configuration that the builds were read with
    updated_ms BIGINT NOT NULL DEFAULT 0,    -- the last look at its prefixes, 0 before the first
    swept_ms   BIGINT NOT NULL DEFAULT 0,    -- the last full listing, 0 before the first
    error      TEXT   NOT NULL DEFAULT '',   -- what went wrong at the last look
    error_ms   BIGINT                        -- since when
);

-- Distinct names of rows. The id begins with the length of the name, so that the order of ids is
-- the order of a search: short names first.
CREATE TABLE grid_tests (
    id   BIGINT NOT NULL PRIMARY KEY,
    hash BIGINT NOT NULL,                    -- of the name: an index of names would be as large as they
    name TEXT   NOT NULL
);

CREATE INDEX grid_tests_hash ON grid_tests (hash);

-- The greatest number ever given to a name.
CREATE TABLE grid_test_numbers (last BIGINT NOT NULL);
INSERT INTO grid_test_numbers (last) VALUES (0);

-- A search reads all names where the extension is missing or may not be made.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX grid_tests_words ON grid_tests USING gin (name gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'names of tests are searched without an index: %', SQLERRM;
END
$$;

-- Row `number` of a group's grid.
CREATE TABLE grid_rows (
    group_id BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    test_id  BIGINT NOT NULL,
    PRIMARY KEY (group_id, number)
);

CREATE INDEX grid_rows_test ON grid_rows (test_id, group_id);

-- A build: one column of a group's grid.
CREATE TABLE grid_builds (
    group_id   BIGINT NOT NULL,
    object     TEXT COLLATE "C" NOT NULL,    -- gs://bucket/logs/job/1/
    build      TEXT COLLATE "C" NOT NULL,
    started_ms BIGINT NOT NULL,
    running    BIGINT NOT NULL,              -- 1 until it has finished
    read_ms    BIGINT NOT NULL,
    cells      BYTEA  NOT NULL,
    PRIMARY KEY (group_id, object)
);

-- Everything but the cells, so that a list of builds does not read them.
CREATE INDEX grid_builds_newest
    ON grid_builds (group_id, started_ms DESC, object DESC, build, running, read_ms);
CREATE INDEX grid_builds_running ON grid_builds (group_id) WHERE running = 1;

CREATE TABLE grid_summaries (
    dashboard TEXT COLLATE "C" NOT NULL,
    tab       TEXT COLLATE "C" NOT NULL,
    summary   BYTEA NOT NULL,
    PRIMARY KEY (dashboard, tab)
);
