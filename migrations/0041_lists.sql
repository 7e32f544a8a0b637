-- What the start page and the lists ask for, without reading every message or ticket.
CREATE INDEX message_received ON message (direction, historic, stored_ms, queue);
CREATE INDEX message_undecided ON message (id) WHERE possible_ticket_id IS NOT NULL;
CREATE INDEX ticket_oldest ON ticket (state, queue, updated_ms);
