-- Runs that are named in what people write on issues and pull requests.
CREATE TABLE run_references (
    run    TEXT    NOT NULL,             -- what names it: its folder, its job and build, its ProwJob
    org    TEXT    NOT NULL,
    repo   TEXT    NOT NULL,
    number BIGINT  NOT NULL,
    text   TEXT    NOT NULL,             -- which text: the description, a comment, a review
    is_pr  BIGINT  NOT NULL,
    title  TEXT    NOT NULL,
    state  TEXT    NOT NULL,
    author TEXT    NOT NULL,             -- of the text
    href   TEXT    NOT NULL,             -- of the text at the code host
    at_ms  BIGINT  NOT NULL,
    PRIMARY KEY (org, repo, number, text, run)
);

CREATE INDEX run_references_of ON run_references (run, at_ms DESC);
CREATE INDEX run_references_oldest ON run_references (at_ms);
