-- What a draft cost the people who worked on it, all visits together; pages without scripts do not measure.
CREATE TABLE effort (
    draft_id   TEXT PRIMARY KEY REFERENCES draft (id),
    focus_ms   BIGINT NOT NULL,               -- its page was in front and in use
    keystrokes BIGINT NOT NULL,
    edits      BIGINT NOT NULL,               -- values that were corrected
    updated_ms BIGINT NOT NULL
);
