-- Lists of tickets ask these of each ticket; without an index of their own they are sought among all mail and all drafts.
CREATE INDEX message_of_ticket ON message (ticket_id, direction, historic, stored_ms);
CREATE INDEX draft_of_ticket ON draft (ticket_id, state, due_on);
-- What the start page counts by day, without opening the drafts.
DROP INDEX draft_by_decision;
CREATE INDEX draft_by_decision ON draft (state, decided_ms, decided_by, id);
