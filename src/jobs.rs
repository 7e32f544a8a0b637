//! Work that is due: queue, lease, retry, quarantine.
