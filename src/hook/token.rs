//! Shared tokens: compared so that nothing about them shows in the time taken.
//!
//! Deliberately absent: where a token is configured, and where in a request it stands.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// A token of fewer characters than this can be guessed: 128 random bits in base64 have 22.
const SHORTEST_UNGUESSABLE: usize = 22;

/// A configured token. Its `Debug` shows nothing.
#[derive(Debug, Clone)]
pub struct HookToken(SecretString);

/// A token that would let everybody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is empty: make one with `openssl rand -base64 32 | tr -d '=+/'`")]
pub struct EmptyToken;

impl HookToken {
    /// Reads a configured token; white space around it (a file's last newline) is ignored.
    ///
    /// # Errors
    /// [`EmptyToken`] when nothing else is there.
    pub fn parse(text: &str) -> Result<HookToken, EmptyToken> {
        match text.trim() {
            "" => Err(EmptyToken),
            token => Ok(HookToken(token.to_owned().into())),
        }
    }

    /// Whether the token is short enough to be guessed, which `check` warns of.
    pub fn is_guessable(&self) -> bool {
        self.0.expose_secret().chars().count() < SHORTEST_UNGUESSABLE
    }
}

/// Whether what was offered is one of the tokens. All are compared, as digests of equal length.
pub fn is_one_of(offered: &str, tokens: &[HookToken]) -> bool {
    let offered = Sha256::digest(offered.as_bytes());
    let found = tokens.iter().fold(Choice::from(0), |found, token| {
        found | Sha256::digest(token.0.expose_secret().as_bytes()).ct_eq(&offered)
    });
    found.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_matches() {
        let tokens = [HookToken::parse("first-token").unwrap(), HookToken::parse("second\n").unwrap()];
        let check = |offered: &str, expected: bool| assert_eq!(is_one_of(offered, &tokens), expected, "{offered:?}");
        check("first-token", true);
        check("second", true);
        for wrong in ["", " ", "first", "first-token ", "FIRST-TOKEN", "second\n", "first-token\0", "first-tokenn"] {
            check(wrong, false);
        }
        assert!(!is_one_of("", &[]));
    }

    #[test]
    fn an_empty_token_is_none_and_a_short_one_is_guessable() {
        for empty in ["", " ", "\r\n"] {
            assert_eq!(HookToken::parse(empty).map(drop), Err(EmptyToken));
        }
        assert!(HookToken::parse(&"x".repeat(21)).unwrap().is_guessable());
        assert!(!HookToken::parse(&"x".repeat(22)).unwrap().is_guessable());
        assert!(!format!("{:?}", HookToken::parse("topsecret").unwrap()).contains("topsecret"));
    }
}
