-- One id and one body may come as several events: programs that make deliveries by hand always send
-- the same id. A unique constraint can only be changed by making its table again.
CREATE TABLE deliveries_new (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id TEXT    NOT NULL,
    body_sha256 BLOB    NOT NULL,
    event       TEXT    NOT NULL,
    repository  TEXT    NOT NULL,
    headers     TEXT    NOT NULL,             -- JSON: [[name, value], …]
    body_bytes  INTEGER NOT NULL,             -- size before compression
    received_ms INTEGER NOT NULL,
    status      INTEGER NOT NULL DEFAULT 0,   -- 0 pending, 1 handled, 2 failed
    attempts    INTEGER NOT NULL DEFAULT 0,
    replays     INTEGER NOT NULL DEFAULT 0,
    claimed     INTEGER NOT NULL DEFAULT 0,   -- 1 while a handler holds it, until due_ms
    due_ms      INTEGER NOT NULL DEFAULT 0,   -- not handed out before this instant
    finished_ms INTEGER,
    note        TEXT    NOT NULL DEFAULT '',
    UNIQUE (delivery_id, event, body_sha256)
) STRICT;

INSERT INTO deliveries_new
    (id, delivery_id, body_sha256, event, repository, headers, body_bytes, received_ms, status,
     attempts, replays, claimed, due_ms, finished_ms, note)
SELECT id, delivery_id, body_sha256, event, repository, headers, body_bytes, received_ms, status,
       attempts, replays, claimed, due_ms, finished_ms, note
FROM deliveries;

-- Numbers are never given twice, also not those of deliveries that are gone.
DELETE FROM sqlite_sequence WHERE name = 'deliveries_new';
INSERT INTO sqlite_sequence (name, seq)
SELECT 'deliveries_new', seq FROM sqlite_sequence WHERE name = 'deliveries';

CREATE TABLE delivery_bodies_new (
    id   INTEGER PRIMARY KEY REFERENCES deliveries_new (id) ON DELETE CASCADE,
    body BLOB NOT NULL                        -- zstd
) STRICT;

INSERT INTO delivery_bodies_new (id, body) SELECT id, body FROM delivery_bodies;

DROP TABLE delivery_bodies;
DROP TABLE deliveries;
ALTER TABLE deliveries_new RENAME TO deliveries;
ALTER TABLE delivery_bodies_new RENAME TO delivery_bodies;

CREATE INDEX deliveries_pending ON deliveries (id) WHERE status = 0;
CREATE INDEX deliveries_failed ON deliveries (id) WHERE status = 2;
