-- Coverage profiles of runs. All of it can be read again from the bucket, as long as the bucket has
-- it.
CREATE TABLE coverage_profiles (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    job        TEXT    NOT NULL,
    path       TEXT    NOT NULL,             -- below the run's folder: artifacts/cover.out
    run        TEXT    NOT NULL,             -- the ProwJob
    build      TEXT    NOT NULL,
    started_ms INTEGER NOT NULL,             -- of the run
    version    TEXT    NOT NULL,             -- what the run tested, for people
    format     TEXT    NOT NULL,             -- Go, LCOV or Cobertura
    files      INTEGER NOT NULL,
    covered    INTEGER NOT NULL,             -- statements that ran
    total      INTEGER NOT NULL,
    problem    TEXT    NOT NULL,             -- what could not be read, if anything
    read_ms    INTEGER NOT NULL,
    summary    BLOB    NOT NULL,             -- the ratio of each file
    profile    BLOB    NOT NULL,             -- every block; empty once it was dropped for its age
    UNIQUE (run, path)
) STRICT;

-- Everything but the two large columns, so that a list does not read them.
CREATE INDEX coverage_profiles_newest ON coverage_profiles
    (job, path, started_ms DESC, id DESC, run, build, version, format, files, covered, total,
     problem, read_ms);

-- Runs whose artifacts were looked through, also those without a profile.
CREATE TABLE coverage_runs (
    run       TEXT    NOT NULL PRIMARY KEY,
    looked_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX coverage_runs_looked ON coverage_runs (looked_ms);
