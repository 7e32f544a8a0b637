-- Everything that the program keeps, apart from bytes (they lie in the blob store under their SHA-256).
-- One text for SQLite and PostgreSQL: ids are UUIDv7 text made by the program, times are BIGINT milliseconds UTC,
-- booleans BIGINT 0/1, JSON is TEXT.

-- Numbers that must rise without gaps of order: ticket numbers, audit rows, changes, versions of what is known
-- (accounts and catalogue). Taken by UPDATE … RETURNING, so that the row lock makes commit order and number order
-- the same.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('ticket', 1000), ('audit', 0), ('change', 0), ('known', 0);

-- One row for each folder that is polled: where intake stands and how it fares.
CREATE TABLE folder (
    mailbox         TEXT NOT NULL,
    name            TEXT NOT NULL,
    uidvalidity     BIGINT NOT NULL,
    last_uid        BIGINT NOT NULL,
    server_count    BIGINT NOT NULL,
    last_contact_ms BIGINT,
    last_message_ms BIGINT,
    last_error      TEXT NOT NULL,
    last_error_ms   BIGINT,
    PRIMARY KEY (mailbox, name)
);

CREATE TABLE account (
    id           TEXT PRIMARY KEY,
    account_no   TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    email_domain TEXT NOT NULL,
    content      TEXT NOT NULL,
    updated_ms   BIGINT NOT NULL
);
CREATE INDEX account_by_domain ON account (email_domain);

CREATE TABLE catalogue_item (
    sku        TEXT PRIMARY KEY,
    content    TEXT NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE TABLE ticket (
    id           TEXT PRIMARY KEY,
    number       BIGINT NOT NULL UNIQUE,
    subject      TEXT NOT NULL,
    queue        TEXT NOT NULL,
    state        TEXT NOT NULL,
    priority     TEXT NOT NULL,
    account_id   TEXT REFERENCES account (id),
    language     TEXT NOT NULL,
    queue_reason TEXT NOT NULL,
    created_ms   BIGINT NOT NULL,
    updated_ms   BIGINT NOT NULL
);
CREATE INDEX ticket_by_queue ON ticket (queue, state, updated_ms, id);
CREATE INDEX ticket_by_state ON ticket (state, updated_ms, id);
CREATE INDEX ticket_by_account ON ticket (account_id, updated_ms, id);

-- Who may write into a ticket by quoting its reference.
CREATE TABLE participant (
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    email     TEXT NOT NULL,
    PRIMARY KEY (ticket_id, email)
);
CREATE INDEX participant_by_email ON participant (email);

-- One row for each distinct mail, by the hash of its bytes.
CREATE TABLE message (
    id               TEXT PRIMARY KEY,
    sha256           TEXT NOT NULL UNIQUE,
    size_bytes       BIGINT NOT NULL,
    direction        TEXT NOT NULL,           -- in, out
    state            TEXT NOT NULL,           -- stored, processed, quarantined
    historic         BIGINT NOT NULL,         -- 1: taken in with all answers muted
    rfc_message_id   TEXT,
    from_email       TEXT NOT NULL,
    from_name        TEXT NOT NULL,
    subject          TEXT NOT NULL,
    date_ms          BIGINT,
    stored_ms        BIGINT NOT NULL,
    processed_ms     BIGINT,
    origin           TEXT NOT NULL,           -- person, auto_reply, bounce, list, own; empty until processed
    muted            BIGINT NOT NULL,
    screened_by      TEXT NOT NULL,
    screened_reason  TEXT NOT NULL,
    ticket_id        TEXT REFERENCES ticket (id),
    thread_rule      TEXT NOT NULL,           -- which rule joined it to its ticket, or made the ticket
    possible_ticket_id TEXT REFERENCES ticket (id), -- a follow-up by a stranger, for a person to decide
    queue            TEXT NOT NULL,
    queue_confidence DOUBLE PRECISION NOT NULL,
    queue_reasons    TEXT NOT NULL,           -- JSON list
    parsed           TEXT NOT NULL            -- JSON of the message without attachment bytes; empty until processed
);
CREATE INDEX message_by_rfc_id ON message (rfc_message_id);
CREATE INDEX message_by_ticket ON message (ticket_id, id);
CREATE INDEX message_by_possible_ticket ON message (possible_ticket_id, id);
CREATE INDEX message_by_state ON message (state, id);

-- The ledger.
CREATE TABLE sighting (
    id          TEXT PRIMARY KEY,
    mailbox     TEXT NOT NULL,
    folder      TEXT NOT NULL,
    uidvalidity BIGINT NOT NULL,
    uid         BIGINT NOT NULL,
    place       TEXT NOT NULL,
    size_bytes  BIGINT NOT NULL,
    sha256      TEXT,
    message_id  TEXT REFERENCES message (id),
    outcome     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    fetches_failed BIGINT NOT NULL,           -- times that fetching its bytes came to nothing
    seen_ms     BIGINT NOT NULL,
    stored_ms   BIGINT,
    acted_ms    BIGINT,
    UNIQUE (mailbox, folder, uidvalidity, uid)
);
CREATE INDEX sighting_by_message ON sighting (message_id);
CREATE INDEX sighting_by_outcome ON sighting (mailbox, folder, outcome, uidvalidity, fetches_failed, id);
CREATE INDEX sighting_unacted ON sighting (mailbox, folder, uidvalidity, uid)
    WHERE acted_ms IS NULL AND sha256 IS NOT NULL;

-- Files: attachments, entries of archives, bodies that hold an order.
CREATE TABLE document (
    id           TEXT PRIMARY KEY,
    message_id   TEXT NOT NULL REFERENCES message (id),
    parent_id    TEXT REFERENCES document (id),
    position     BIGINT NOT NULL,
    name         TEXT NOT NULL,
    media_type   TEXT NOT NULL,
    format       TEXT NOT NULL,               -- by content; empty until read
    size_bytes   BIGINT NOT NULL,
    sha256       TEXT NOT NULL,
    state        TEXT NOT NULL,               -- waiting, read, failed, skipped
    cause        TEXT NOT NULL,               -- why failed or skipped
    page_count   BIGINT NOT NULL,
    how          TEXT NOT NULL,               -- text_layer, ocr, sheet, text, mixed
    pages_sha256 TEXT,                        -- content address of the pages as JSON
    findings     TEXT NOT NULL,               -- JSON list
    created_ms   BIGINT NOT NULL,
    UNIQUE (message_id, position, sha256)
);
CREATE INDEX document_by_parent ON document (parent_id);
CREATE INDEX document_by_sha ON document (sha256);
CREATE INDEX document_by_pages ON document (pages_sha256);

CREATE TABLE draft (
    id               TEXT PRIMARY KEY,
    ticket_id        TEXT NOT NULL REFERENCES ticket (id),
    message_id       TEXT NOT NULL REFERENCES message (id),
    document_id      TEXT NOT NULL REFERENCES document (id),
    position         BIGINT NOT NULL,
    kind             TEXT NOT NULL,
    state            TEXT NOT NULL,
    account_id       TEXT REFERENCES account (id),
    account_reason   TEXT NOT NULL,           -- which rule matched the account
    po_number        TEXT NOT NULL,
    buyer_name       TEXT NOT NULL,
    least_confidence DOUBLE PRECISION NOT NULL,
    proposed         TEXT NOT NULL,           -- JSON: what the program proposed, never changed
    content          TEXT NOT NULL,           -- JSON: with the corrections of people
    revision         BIGINT NOT NULL,         -- rises with each change, so that two people do not overwrite each other
    created_ms       BIGINT NOT NULL,
    decided_ms       BIGINT,
    decided_by       TEXT NOT NULL,
    decision_note    TEXT NOT NULL,
    UNIQUE (document_id, position)
);
CREATE INDEX draft_by_state ON draft (state, id);
CREATE INDEX draft_by_ticket ON draft (ticket_id, id);
CREATE INDEX draft_by_message ON draft (message_id, id);
CREATE INDEX draft_by_po ON draft (po_number);

-- What people approved.
CREATE TABLE record (
    id          TEXT PRIMARY KEY,
    draft_id    TEXT NOT NULL UNIQUE REFERENCES draft (id),
    ticket_id   TEXT NOT NULL REFERENCES ticket (id),
    account_id  TEXT REFERENCES account (id),
    kind        TEXT NOT NULL,
    po_number   TEXT NOT NULL,
    content     TEXT NOT NULL,
    approved_ms BIGINT NOT NULL,
    approved_by TEXT NOT NULL
);
CREATE INDEX record_by_po ON record (po_number);
CREATE INDEX record_by_ticket ON record (ticket_id, id);

CREATE TABLE outbox (
    id             TEXT PRIMARY KEY,
    cause          TEXT NOT NULL UNIQUE,
    ticket_id      TEXT REFERENCES ticket (id),
    message_id     TEXT REFERENCES message (id),
    draft_id       TEXT REFERENCES draft (id),
    recipient      TEXT NOT NULL,
    template       TEXT NOT NULL,
    language       TEXT NOT NULL,
    subject        TEXT NOT NULL,
    rfc_message_id TEXT NOT NULL UNIQUE,
    sha256         TEXT NOT NULL,
    state          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    attempts       BIGINT NOT NULL,
    due_ms         BIGINT NOT NULL,           -- while sending: when the attempt counts as interrupted
    worker         TEXT NOT NULL,             -- who is sending
    created_ms     BIGINT NOT NULL,
    sent_ms        BIGINT
);
CREATE INDEX outbox_by_state ON outbox (state, due_ms);
CREATE INDEX outbox_by_draft ON outbox (draft_id);
CREATE INDEX outbox_by_time ON outbox (created_ms);
CREATE INDEX outbox_by_sha ON outbox (sha256);
CREATE INDEX outbox_by_recipient ON outbox (recipient, created_ms);
CREATE INDEX outbox_by_ticket ON outbox (ticket_id, created_ms);

-- Work that is due. Done work is deleted in the transaction that commits its results.
CREATE TABLE job (
    id              TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    subject_id      TEXT NOT NULL,
    attempts        BIGINT NOT NULL,
    due_ms          BIGINT NOT NULL,
    leased_until_ms BIGINT NOT NULL,
    leased_by       TEXT NOT NULL,
    last_error      TEXT NOT NULL,
    created_ms      BIGINT NOT NULL,
    UNIQUE (kind, subject_id)
);
CREATE INDEX job_by_due ON job (kind, due_ms, leased_until_ms);

CREATE TABLE quarantine (
    id          TEXT PRIMARY KEY,
    message_id  TEXT REFERENCES message (id),
    document_id TEXT REFERENCES document (id),
    sha256      TEXT NOT NULL,
    cause       TEXT NOT NULL,                -- stable name: reader_killed, too_large, panicked…
    detail      TEXT NOT NULL,
    created_ms  BIGINT NOT NULL,
    resolved_ms BIGINT,
    resolved_by TEXT NOT NULL,
    resolution  TEXT NOT NULL                 -- reprocessed, dismissed
);
CREATE INDEX quarantine_by_time ON quarantine (resolved_ms, id);
CREATE INDEX quarantine_by_message ON quarantine (message_id);
CREATE INDEX quarantine_by_document ON quarantine (document_id);

-- When each thing changed last, numbered in commit order: the search index of each node follows this. One row for
-- each thing, so that following from 0 visits everything once: that is also how an index is rebuilt.
CREATE TABLE change (
    kind       TEXT NOT NULL,                 -- message, document, ticket
    subject_id TEXT NOT NULL,
    seq        BIGINT NOT NULL UNIQUE,
    PRIMARY KEY (kind, subject_id)
);

CREATE TABLE person (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL,              -- administrator, staff
    disabled      BIGINT NOT NULL,
    created_ms    BIGINT NOT NULL
);

CREATE TABLE session (
    key_hash   TEXT PRIMARY KEY,              -- SHA-256 of the cookie's value
    person_id  TEXT NOT NULL REFERENCES person (id),
    csrf       TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX session_by_person ON session (person_id);

-- Append-only and hash-chained: hash = SHA-256 over the row's other columns and the hash before it.
CREATE TABLE audit (
    seq           BIGINT PRIMARY KEY,
    at_ms         BIGINT NOT NULL,
    actor         TEXT NOT NULL,
    action        TEXT NOT NULL,
    subject_kind  TEXT NOT NULL,
    subject_id    TEXT NOT NULL,
    detail        TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash          TEXT NOT NULL UNIQUE
);
CREATE INDEX audit_by_subject ON audit (subject_kind, subject_id);
