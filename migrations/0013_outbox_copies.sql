-- Who else gets an answer that a person writes.
ALTER TABLE outbox ADD COLUMN copies TEXT NOT NULL DEFAULT '[]';  -- JSON list of addresses
