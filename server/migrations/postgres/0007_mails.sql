-- The delivery log of alerts by mail.
CREATE TABLE grid_mails (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms      BIGINT NOT NULL,
    dashboard  TEXT   NOT NULL,
    tab        TEXT   NOT NULL,
    kind       TEXT   NOT NULL,              -- failures or stale
    recipients TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    result     TEXT   NOT NULL               -- sent, dry run, or failed: …
);

CREATE INDEX grid_mails_tab ON grid_mails (dashboard, tab, id);
