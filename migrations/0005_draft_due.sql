-- The order in which drafts are reviewed, and the earlier orders of a customer.
ALTER TABLE draft ADD COLUMN due_on TEXT NOT NULL DEFAULT ''; -- ISO 8601 day; empty only in rows from before: they come first
CREATE INDEX draft_by_due ON draft (state, due_on, least_confidence, id);
CREATE INDEX record_by_account ON record (account_id, id);
