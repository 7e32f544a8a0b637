-- Customers that turned out to be one: the merged one keeps its rows, and the kept one stands for it.
ALTER TABLE account ADD COLUMN merged_into TEXT NOT NULL DEFAULT ''; -- row id of the account that stands for it; empty: itself
CREATE INDEX account_by_merge ON account (merged_into);
CREATE TABLE account_merge (
    id          TEXT PRIMARY KEY,
    kept_id     TEXT NOT NULL REFERENCES account (id),
    merged_id   TEXT NOT NULL REFERENCES account (id),
    kept_before TEXT NOT NULL,                -- JSON of the kept account before and after, to take the merge back
    kept_after  TEXT NOT NULL,
    merged_by   TEXT NOT NULL,
    merged_ms   BIGINT NOT NULL,
    undone_by   TEXT NOT NULL,
    undone_ms   BIGINT
);
CREATE INDEX account_merge_by_kept ON account_merge (kept_id, id);

-- What people want to remember of a customer.
CREATE TABLE account_note (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    body       TEXT NOT NULL,
    written_by TEXT NOT NULL,
    written_ms BIGINT NOT NULL
);
CREATE INDEX account_note_by_account ON account_note (account_id, id);
CREATE INDEX draft_by_account ON draft (account_id, id);
