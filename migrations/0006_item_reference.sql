-- Item numbers of customers that approved drafts taught; those of the catalogue count before them.
CREATE TABLE item_reference (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES account (id),
    customer_sku TEXT NOT NULL,               -- as the customer writes it
    sku          TEXT NOT NULL,               -- ours
    draft_id     TEXT NOT NULL REFERENCES draft (id),
    learnt_by    TEXT NOT NULL,
    learnt_ms    BIGINT NOT NULL,
    UNIQUE (account_id, customer_sku)
);
