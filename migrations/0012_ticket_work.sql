-- What people do with tickets beside answering them.
ALTER TABLE ticket ADD COLUMN assignee TEXT NOT NULL DEFAULT '';  -- name of the person; empty: nobody
ALTER TABLE ticket ADD COLUMN snoozed_until_ms BIGINT;            -- rests until then, and asks for work again
ALTER TABLE ticket ADD COLUMN merged_into TEXT REFERENCES ticket (id);
CREATE INDEX ticket_by_assignee ON ticket (assignee, state, updated_ms, id);
CREATE INDEX ticket_by_snooze ON ticket (snoozed_until_ms) WHERE snoozed_until_ms IS NOT NULL;

CREATE TABLE ticket_tag (
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    tag       TEXT NOT NULL,
    PRIMARY KEY (ticket_id, tag)
);
CREATE INDEX ticket_tag_by_tag ON ticket_tag (tag, ticket_id);

-- Two rows for each link, one in each direction.
CREATE TABLE ticket_link (
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    other_id  TEXT NOT NULL REFERENCES ticket (id),
    PRIMARY KEY (ticket_id, other_id)
);

-- What colleagues tell each other; never leaves the house.
CREATE TABLE note (
    id         TEXT PRIMARY KEY,
    ticket_id  TEXT NOT NULL REFERENCES ticket (id),
    author     TEXT NOT NULL,
    content    TEXT NOT NULL,
    mentions   TEXT NOT NULL,                 -- JSON list of names
    created_ms BIGINT NOT NULL
);
CREATE INDEX note_by_ticket ON note (ticket_id, id);

-- One row for each person and ticket: what was read, who is at it, and the answer that is being written.
CREATE TABLE attention (
    ticket_id  TEXT NOT NULL REFERENCES ticket (id),
    person     TEXT NOT NULL,
    read_ms    BIGINT NOT NULL,
    present_ms BIGINT NOT NULL,
    writing_ms BIGINT NOT NULL,
    draft      TEXT NOT NULL,
    PRIMARY KEY (ticket_id, person)
);
