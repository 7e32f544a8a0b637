-- What administrators change on the pages: it counts before the configuration file and the environment.
CREATE TABLE setting (
    name       TEXT PRIMARY KEY,              -- as in the file: site.name, queue.orders.addresses
    value      TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);

-- Every text that a letter had; the highest version is in use. An empty one: as built in, or as the site's folder says.
CREATE TABLE template_version (
    name       TEXT NOT NULL,
    language   TEXT NOT NULL,
    version    BIGINT NOT NULL,
    source     TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (name, language, version)
);
INSERT INTO counter (name, value) VALUES ('setting', 0);

-- Where a person gets mail from us: test letters, and who a sign-in elsewhere belongs to.
ALTER TABLE person ADD COLUMN email TEXT NOT NULL DEFAULT '';
