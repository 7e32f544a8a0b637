-- What a draft was before each change by a person, so that the change can be taken back.
CREATE TABLE draft_edit (
    draft_id       TEXT NOT NULL REFERENCES draft (id),
    revision       BIGINT NOT NULL,           -- of the draft before the change
    content        TEXT NOT NULL,             -- JSON: before the change
    account_id     TEXT,
    account_reason TEXT NOT NULL,
    edited_by      TEXT NOT NULL,             -- who changed it
    edited_ms      BIGINT NOT NULL,
    PRIMARY KEY (draft_id, revision)
);

ALTER TABLE draft ADD COLUMN assignee TEXT NOT NULL DEFAULT '';  -- who is to review it; empty: anybody
