//! Random numbers by a seed: the same seed throws the same.

pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Dice {
        // Neighbouring seeds are to have nothing in common.
        Dice(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Below `sides`.
    pub fn throw(&mut self, sides: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed % u64::try_from(sides).unwrap()).unwrap()
    }

    pub fn once_in(&mut self, times: usize) -> bool {
        self.throw(times) == 0
    }

    pub fn one_of<'a, T>(&mut self, these: &'a [T]) -> &'a T {
        &these[self.throw(these.len())]
    }
}
