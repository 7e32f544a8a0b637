//! Parses arguments, starts tracing, calls [`mailroom::cli`], turns the error into an exit code; nothing else.

fn main() {}
