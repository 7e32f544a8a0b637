-- Sign-in of mailboxes by OAuth 2.0: one row for each. Tokens are sealed.
CREATE TABLE credential (
    mailbox         TEXT PRIMARY KEY,         -- configured name
    access_token    TEXT NOT NULL,
    access_ms       BIGINT NOT NULL,          -- the end of its life
    refresh_token   TEXT NOT NULL,            -- empty: the provider gave none
    refresh_ms      BIGINT,                   -- the end of its life, if anybody says
    granted_by      TEXT NOT NULL,            -- who signed in
    granted_ms      BIGINT NOT NULL,
    refreshed_ms    BIGINT NOT NULL,
    last_error      TEXT NOT NULL,
    error_since_ms  BIGINT,
    needs_person    BIGINT NOT NULL,          -- 1: only a new sign-in mends the error
    leased_until_ms BIGINT NOT NULL,          -- one process at a time asks for the next token
    leased_by       TEXT NOT NULL
);
