-- Run history: an index over ProwJobs and buckets.
CREATE TABLE runs (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    job           TEXT COLLATE "C" NOT NULL,
    job_type      TEXT    NOT NULL,
    org           TEXT    NOT NULL,
    repo          TEXT    NOT NULL,
    base_ref      TEXT    NOT NULL,
    base_sha      TEXT    NOT NULL,
    pulls         TEXT    NOT NULL,           -- JSON: [[number, author, title, sha], …]
    state         TEXT    NOT NULL,
    cluster       TEXT    NOT NULL,
    build_id      TEXT    NOT NULL,
    context       TEXT    NOT NULL,
    start_ms      BIGINT NOT NULL,           -- 0 when unknown
    pending_ms    BIGINT,
    completion_ms BIGINT,
    run_dir       TEXT    NOT NULL,
    url           TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    tenant        TEXT    NOT NULL,
    hidden        BIGINT NOT NULL,
    refs          TEXT    NOT NULL            -- JSON
);

-- The list, newest first. The filters' columns ride along, so that a filter which few runs pass is
-- answered from the index alone.
CREATE INDEX runs_newest
    ON runs (start_ms DESC, job, id, hidden, state, job_type, org, repo, base_ref, cluster, tenant);
CREATE INDEX runs_by_job ON runs (job, start_ms DESC, id);
CREATE INDEX runs_by_repo ON runs (org, repo, start_ms DESC, job, id);
CREATE UNIQUE INDEX runs_run_dir ON runs (run_dir) WHERE run_dir <> '';

-- One row per pull request of a run, for the filters by number and author.
CREATE TABLE run_pulls (
    run_id TEXT COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    author TEXT    NOT NULL,
    PRIMARY KEY (run_id, number)
);

CREATE INDEX run_pulls_number ON run_pulls (number, run_id);
CREATE INDEX run_pulls_author ON run_pulls (author, run_id);
