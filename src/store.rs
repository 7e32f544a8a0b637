//! The database: one file for each aggregate holds all SQL of it.
