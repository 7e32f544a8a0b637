-- Messages that a person put into a queue: what is alike goes there, too.
CREATE TABLE queue_example (
    message_id TEXT PRIMARY KEY REFERENCES message (id),
    queue      TEXT NOT NULL,
    taught_by  TEXT NOT NULL,
    taught_ms  BIGINT NOT NULL
);
CREATE INDEX queue_example_by_time ON queue_example (taught_ms);
INSERT INTO counter (name, value) VALUES ('queue_example', 0);
