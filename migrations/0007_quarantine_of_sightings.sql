-- What was seen on a server but never fetched waits in quarantine by its ledger row, and can be fetched again from there.
ALTER TABLE quarantine ADD COLUMN sighting_id TEXT REFERENCES sighting (id);
