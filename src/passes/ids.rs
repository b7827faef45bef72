//! New names: of cases, of states, and the references that people say on the telephone.
//!
//! The only dice of the passes. Deliberately absent: keys of deliveries, which are hashes (`domain::delivery`).

use jiff::Timestamp;

/// Letters and digits that cannot be misheard or misread: without 0, O, 1 and I.
const SAYABLE: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A UUID v7 of that time.
pub fn case_id(now: Timestamp) -> String {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds)).to_string()
}

/// `length` sayable characters, at most 16.
pub fn reference(length: usize) -> String {
    dice().iter().take(length).map(|byte| char::from(SAYABLE[usize::from(byte % 32)])).collect()
}

/// 16 random bytes as hex.
pub fn state_id() -> String {
    data_encoding::HEXLOWER.encode(&dice())
}

/// 16 bytes, of which the first of each half holds 6 random bits and the others 8: the random ends of two UUIDs.
fn dice() -> [u8; 16] {
    let random = || uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 0, 0));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random().as_bytes()[8..]);
    bytes[8..].copy_from_slice(&random().as_bytes()[8..]);
    bytes.reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_sayable_and_as_long_as_asked() {
        for length in [4, 5, 6] {
            let reference = reference(length);
            assert_eq!(reference.len(), length);
            assert!(reference.bytes().all(|b| SAYABLE.contains(&b)), "{reference}");
        }
    }

    #[test]
    fn names_differ() {
        assert_ne!(state_id(), state_id());
        assert_eq!(state_id().len(), 32);
    }
}
