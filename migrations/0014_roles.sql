-- Roles: who could do everything but administer becomes a reviewer.
UPDATE person SET role = 'reviewer' WHERE role = 'staff';

-- Second factor: a secret shared with the person's device (RFC 6238).
ALTER TABLE person ADD COLUMN factor_secret TEXT NOT NULL DEFAULT '';  -- sealed; empty: none
ALTER TABLE person ADD COLUMN factor_pending TEXT NOT NULL DEFAULT ''; -- sealed; until its first code proves it
ALTER TABLE person ADD COLUMN factor_step BIGINT NOT NULL DEFAULT 0;   -- time step of the last code taken: none is taken twice
CREATE TABLE recovery_code (
    person_id TEXT NOT NULL REFERENCES person (id),
    code_hash TEXT NOT NULL,                  -- SHA-256; a code that was used is deleted
    PRIMARY KEY (person_id, code_hash)
);

-- What a person knows a session by, to end it.
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT '';         -- as the browser calls itself
ALTER TABLE session ADD COLUMN awaits_code BIGINT NOT NULL DEFAULT 0;  -- 1: the password was right, the second factor is missing
