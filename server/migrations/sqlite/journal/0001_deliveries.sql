-- Webhook deliveries. The body has its own table, so that marking a delivery does not rewrite it.
CREATE TABLE deliveries (
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
    UNIQUE (delivery_id, body_sha256)
) STRICT;

CREATE INDEX deliveries_pending ON deliveries (id) WHERE status = 0;
CREATE INDEX deliveries_failed ON deliveries (id) WHERE status = 2;

CREATE TABLE delivery_bodies (
    id   INTEGER PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
    body BLOB NOT NULL                        -- zstd
) STRICT;

-- One row that the readiness check writes.
CREATE TABLE heartbeat (beats INTEGER NOT NULL) STRICT;
INSERT INTO heartbeat (beats) VALUES (0);
