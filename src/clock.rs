//! The only place that asks for the time or for randomness.
//!
//! Does not: wait. Tests that need a fixed time pass milliseconds to the functions under test.

use uuid::Uuid;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Milliseconds UTC since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the place that asks for the time")]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A fresh id: UUIDv7, so that ids sort by the time of their making.
pub fn fresh_id() -> String {
    Uuid::now_v7().to_string()
}

/// Bytes from the system's generator: session keys, salts.
///
/// # Panics
/// If the system has no source of randomness: nothing safe can be done without one.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    use rand::TryRng as _;
    let mut bytes = [0_u8; N];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).expect("the system provides randomness");
    bytes
}
