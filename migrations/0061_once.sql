-- Work that was posted under a key, by a form or by a program: the same post does it once.
CREATE TABLE once (
    claim      TEXT PRIMARY KEY,              -- hash of who posted it and of the key
    content    TEXT NOT NULL,                 -- hash of what was posted
    outcome    TEXT NOT NULL,                 -- id of the mail or note that it caused
    created_ms BIGINT NOT NULL
);
CREATE INDEX once_by_time ON once (created_ms);

-- What a person is writing in a ticket, as JSON: an answer with its recipients, and a note. Before: only `draft`.
ALTER TABLE attention ADD COLUMN typed TEXT NOT NULL DEFAULT '';
