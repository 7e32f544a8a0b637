-- What became of a mail for each of its recipients, where several were to get it.
ALTER TABLE outbox ADD COLUMN deliveries TEXT NOT NULL DEFAULT '[]';  -- JSON list: who, what, in which words
