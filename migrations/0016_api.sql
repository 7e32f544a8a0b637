-- Keys of the JSON API: only their hashes are kept. Each acts for a person, within that person's role and its own scopes.
CREATE TABLE api_token (
    id           TEXT PRIMARY KEY,
    person_id    TEXT NOT NULL REFERENCES person (id),
    name         TEXT NOT NULL,
    key_hash     TEXT NOT NULL UNIQUE,        -- SHA-256
    scopes       TEXT NOT NULL,               -- JSON list
    created_ms   BIGINT NOT NULL,
    expires_ms   BIGINT NOT NULL,
    last_used_ms BIGINT
);
CREATE INDEX api_token_by_person ON api_token (person_id, id);

-- Who is told what happens here.
CREATE TABLE webhook (
    id         TEXT PRIMARY KEY,
    address    TEXT NOT NULL,
    events     TEXT NOT NULL,                 -- JSON list
    secret     TEXT NOT NULL,                 -- sealed; signs what is sent
    active     BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- What is to be told: written in the transaction of the event, sent by a job, at least once.
CREATE TABLE webhook_delivery (
    id           TEXT PRIMARY KEY,
    webhook_id   TEXT NOT NULL REFERENCES webhook (id),
    event        TEXT NOT NULL,
    body         TEXT NOT NULL,               -- JSON, as it is signed and sent
    state        TEXT NOT NULL,               -- waiting, delivered, failed
    attempts     BIGINT NOT NULL,
    last_error   TEXT NOT NULL,
    created_ms   BIGINT NOT NULL,
    delivered_ms BIGINT
);
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook_id, id);
