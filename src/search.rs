//! The full-text index: disposable, rebuilt from the database.
