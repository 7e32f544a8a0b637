-- 1: we wrote to that address, and it never wrote first: it may answer, others of its organisation may not.
ALTER TABLE participant ADD COLUMN invited BIGINT NOT NULL DEFAULT 0;
UPDATE participant SET invited = 1 WHERE NOT EXISTS (
    SELECT 1 FROM message WHERE message.ticket_id = participant.ticket_id AND LOWER(message.from_email) = participant.email
);
