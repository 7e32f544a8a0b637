//! Chance that is the same at each run.

/// A small generator (xorshift), so that the same bytes come at each run. The seed is not 0.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number from 0 to `sides - 1`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides.max(1) as u64).unwrap()
    }
}
