-- Objects of the embedded cluster, as JSON without metadata.resourceVersion.
CREATE TABLE cluster_rows (
    build_cluster TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    namespace     TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    object        TEXT    NOT NULL,
    PRIMARY KEY (build_cluster, kind, namespace, name)
) STRICT;

-- The greatest resource version ever given, deletions included.
CREATE TABLE cluster_version (version INTEGER NOT NULL) STRICT;
INSERT INTO cluster_version (version) VALUES (0);

-- One row that the readiness check writes.
CREATE TABLE heartbeat (beats INTEGER NOT NULL) STRICT;
INSERT INTO heartbeat (beats) VALUES (0);
