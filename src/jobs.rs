//! Work that is due: queue, lease, retry, quarantine.

pub mod index_search;
