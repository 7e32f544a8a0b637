//! Reader processes: hostile bytes into pages.
