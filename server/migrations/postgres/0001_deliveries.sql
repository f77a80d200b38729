-- Webhook deliveries. The body has its own table, so that marking a delivery does not rewrite it.
CREATE TABLE deliveries (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id TEXT COLLATE "C" NOT NULL,
    body_sha256 BYTEA    NOT NULL,
    event       TEXT    NOT NULL,
    repository  TEXT    NOT NULL,
    headers     TEXT    NOT NULL,             -- JSON: [[name, value], …]
    body_bytes  BIGINT NOT NULL,             -- size before compression
    received_ms BIGINT NOT NULL,
    status      BIGINT NOT NULL DEFAULT 0,   -- 0 pending, 1 handled, 2 failed
    attempts    BIGINT NOT NULL DEFAULT 0,
    replays     BIGINT NOT NULL DEFAULT 0,
    claimed     BIGINT NOT NULL DEFAULT 0,   -- 1 while a handler holds it, until due_ms
    due_ms      BIGINT NOT NULL DEFAULT 0,   -- not handed out before this instant
    finished_ms BIGINT,
    note        TEXT    NOT NULL DEFAULT '',
    UNIQUE (delivery_id, body_sha256)
);

CREATE INDEX deliveries_pending ON deliveries (id) WHERE status = 0;
CREATE INDEX deliveries_failed ON deliveries (id) WHERE status = 2;

CREATE TABLE delivery_bodies (
    id   BIGINT PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
    body BYTEA NOT NULL                        -- zstd
);

-- One row that the readiness check writes.
CREATE TABLE heartbeat (beats BIGINT NOT NULL);
INSERT INTO heartbeat (beats) VALUES (0);
