//! The typed configuration: `mailroom.toml` plus environment.
