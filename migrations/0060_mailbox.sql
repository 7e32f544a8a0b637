-- Mailboxes that administrators set on the pages, beside those of the configuration file.
CREATE TABLE mailbox (
    name       TEXT PRIMARY KEY,              -- what the ledger calls it
    account    TEXT NOT NULL,                 -- its user: a name stays with its account, for the ledger numbers that account's mail
    config     TEXT NOT NULL,                 -- JSON: the keys of a [[mailbox]] section
    secret     TEXT NOT NULL,                 -- sealed: the password, or the secret of the application; empty: none
    removed_ms BIGINT,                        -- no longer read since then; the row still keeps the name for the account
    changed_by TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);
