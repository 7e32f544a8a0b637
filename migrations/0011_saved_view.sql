-- Searches and lists of tickets that people keep under a name.
CREATE TABLE saved_view (
    id         TEXT PRIMARY KEY,
    page       TEXT NOT NULL,                 -- search, tickets
    owner      TEXT NOT NULL,                 -- name of the person
    shared     BIGINT NOT NULL,               -- 1: everybody sees it
    name       TEXT NOT NULL,
    query      TEXT NOT NULL,                 -- what stands behind the `?` of the page's address
    created_ms BIGINT NOT NULL,
    UNIQUE (page, owner, name)
);
