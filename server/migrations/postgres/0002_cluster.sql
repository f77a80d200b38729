-- Objects of the embedded cluster, as JSON without metadata.resourceVersion.
CREATE TABLE cluster_rows (
    build_cluster TEXT COLLATE "C" NOT NULL,
    kind          TEXT COLLATE "C" NOT NULL,
    namespace     TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    object        TEXT    NOT NULL,
    PRIMARY KEY (build_cluster, kind, namespace, name)
);

-- The greatest resource version ever given, deletions included.
CREATE TABLE cluster_version (version BIGINT NOT NULL);
INSERT INTO cluster_version (version) VALUES (0);
