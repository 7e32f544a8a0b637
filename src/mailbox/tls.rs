//! TLS settings for mail in.
