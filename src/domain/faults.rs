//! Faults that the simulation plants, one at a time, to see that it finds them. Without the feature `planted-faults`,
//! which no release has, every question here is answered with `false` when the program is built.
//!
//! Deliberately absent: planting by configuration or environment. Only a test of this crate can do it.

/// One way in which the program could go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    None,
    /// What was accepted is not remembered: it is sent, and then not committed.
    AcceptedIsForgotten,
    /// A change is planned under the sequence of the one before.
    SequenceIsReused,
    /// Who was told that it is over is told so again.
    EndIsToldTwice,
    /// Who no longer reaches the threshold is not told the end.
    EndIsKeptBack,
    /// An older copy is believed.
    StaleIsBelieved,
    /// No promise is kept in mind once it has been planned.
    PromiseIsForgotten,
    /// What is gone from a list is over at once.
    GoneIsOver,
    /// Whoever has priorities is told of everything.
    OthersAreTold,
    /// Every word is told with every notice.
    WordsAreRepeated,
    /// What was claimed when we crashed is never free again.
    ClaimedIsLost,
    /// What is found at the first sight of a feed is told.
    FirstSightIsTold,
    /// New words belong to no change.
    WordsAreLost,
}

impl Fault {
    pub const ALL: [Fault; 12] = [
        Fault::AcceptedIsForgotten,
        Fault::SequenceIsReused,
        Fault::EndIsToldTwice,
        Fault::EndIsKeptBack,
        Fault::StaleIsBelieved,
        Fault::PromiseIsForgotten,
        Fault::GoneIsOver,
        Fault::OthersAreTold,
        Fault::WordsAreRepeated,
        Fault::ClaimedIsLost,
        Fault::FirstSightIsTold,
        Fault::WordsAreLost,
    ];
}

#[cfg(feature = "planted-faults")]
static PLANTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Plants a fault in the whole process; [`Fault::None`] takes it out.
#[cfg(feature = "planted-faults")]
pub fn plant(fault: Fault) {
    PLANTED.store(fault as u8, std::sync::atomic::Ordering::SeqCst);
}

#[cfg(feature = "planted-faults")]
pub fn is_planted(fault: Fault) -> bool {
    PLANTED.load(std::sync::atomic::Ordering::Relaxed) == fault as u8
}

#[cfg(not(feature = "planted-faults"))]
#[inline(always)]
pub const fn is_planted(_: Fault) -> bool {
    false
}
