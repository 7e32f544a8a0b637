-- What the start page counts by day.
CREATE INDEX message_by_stored ON message (stored_ms);
CREATE INDEX draft_by_decision ON draft (decided_ms);
CREATE INDEX ticket_by_created ON ticket (created_ms);
