-- One id and one body may come as several events: programs that make deliveries by hand always send
-- the same id.
ALTER TABLE deliveries DROP CONSTRAINT deliveries_delivery_id_body_sha256_key;
ALTER TABLE deliveries ADD UNIQUE (delivery_id, event, body_sha256);
