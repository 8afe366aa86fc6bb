//! Chance that is the same in every run.

/// Between two numbers of the sequence (splitmix64).
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A state of the sequence, well mixed.
pub fn mix(state: u64) -> u64 {
    let mut number = state;
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Throws, one after the other.
pub struct Dice(u64);

impl Dice {
    /// From a seed on.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(STEP);
        let end = u64::try_from(end).expect("64 bits");
        usize::try_from(mix(self.0) % end).expect("it is below a usize")
    }
}
