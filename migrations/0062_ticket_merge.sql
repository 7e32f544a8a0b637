-- What each merge of two tickets moved, so that it can be taken back.
CREATE TABLE ticket_merge (
    merged_id TEXT PRIMARY KEY REFERENCES ticket (id),
    kept_id   TEXT NOT NULL REFERENCES ticket (id),
    moved     TEXT NOT NULL,                  -- JSON: the state before, and what moved
    merged_by TEXT NOT NULL,
    merged_ms BIGINT NOT NULL
);
CREATE INDEX ticket_merge_by_kept ON ticket_merge (kept_id);
