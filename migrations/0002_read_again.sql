-- How a person had a document read again, by the hash of its bytes: the same file is read the same way wherever it comes.
CREATE TABLE reading (
    sha256    TEXT PRIMARY KEY,
    language  TEXT NOT NULL,                  -- ISO 639-1; empty: by the message
    force_ocr BIGINT NOT NULL,
    password  TEXT NOT NULL,                  -- sealed; empty: none
    chosen_by TEXT NOT NULL,
    chosen_ms BIGINT NOT NULL
);

-- Passwords that a sender uses for documents.
CREATE TABLE document_password (
    id         TEXT PRIMARY KEY,
    sender     TEXT NOT NULL,                 -- mail address, folded
    password   TEXT NOT NULL,                 -- sealed
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX document_password_sender ON document_password (sender);
