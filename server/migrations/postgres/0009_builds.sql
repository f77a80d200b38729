-- The history of a job goes by build id, a number: a longer one is greater.
CREATE INDEX runs_by_build ON runs (job, length(build_id), build_id);
