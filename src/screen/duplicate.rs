//! Have we seen this message before?
//!
//! A message is known by the hash of its bytes. The same Message-ID with other bytes is another message: devices and
//! shops use one id again and again, and a later order must not vanish.

/// What the store knows of messages like this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A message with the same bytes is kept.
    pub same_bytes: bool,
    /// A message with the same Message-ID and other bytes is kept.
    pub same_rfc_id: bool,
}

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// Never seen.
    New,
    /// New, but its Message-ID was used before: say so.
    NewWithUsedId,
    /// The same bytes again: one more sighting of the message that is kept.
    Duplicate,
}

impl Novelty {
    /// Why, with the evidence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::New => "neither its bytes nor its Message-ID were seen before",
            Self::NewWithUsedId => "its Message-ID was seen before, with other bytes",
            Self::Duplicate => "the same bytes were seen before",
        }
    }
}

/// Decides by what is known.
pub fn decide(known: Known) -> Novelty {
    match known {
        Known { same_bytes: true, .. } => Novelty::Duplicate,
        Known { same_rfc_id: true, .. } => Novelty::NewWithUsedId,
        Known { .. } => Novelty::New,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_are_a_duplicate() {
        for (same_bytes, same_rfc_id, expected) in [
            (false, false, Novelty::New),
            (false, true, Novelty::NewWithUsedId),
            (true, false, Novelty::Duplicate),
            (true, true, Novelty::Duplicate),
        ] {
            assert_eq!(decide(Known { same_bytes, same_rfc_id }), expected);
        }
    }
}
