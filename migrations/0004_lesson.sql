-- What approved drafts taught about the layouts of their senders.
CREATE TABLE lesson (
    id           TEXT PRIMARY KEY,
    draft_id     TEXT NOT NULL UNIQUE REFERENCES draft (id),
    sender       TEXT NOT NULL,               -- domain, or the whole address at a provider of free mail; folded
    kind         TEXT NOT NULL,
    content      TEXT NOT NULL,               -- JSON
    state        TEXT NOT NULL,               -- active, retired
    confirmed    BIGINT NOT NULL,             -- approved drafts whose values it found rightly
    contradicted BIGINT NOT NULL,             -- approved drafts in which a person changed what it had found
    learnt_by    TEXT NOT NULL,
    learnt_ms    BIGINT NOT NULL,
    decided_by   TEXT NOT NULL                -- who retired it; empty: the program, or nobody yet
);
CREATE INDEX lesson_by_sender ON lesson (sender, state, id);
