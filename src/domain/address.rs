//! An e-mail address as people write it, made into the one form in which we compare and send it.
//!
//! Deliberately absent: quoted local parts, comments, address literals and display names (RFC 5322 allows them,
//! hardly a mailbox has them, and each is a way to smuggle), local parts outside ASCII (they need SMTPUTF8,
//! which many servers lack), and any look at the DNS. No error repeats the address.

use thiserror::Error;

/// Longest local part and domain, in octets (RFC 5321 §4.5.3.1).
const LOCAL_PART_MOST: usize = 64;
const DOMAIN_MOST: usize = 253;

/// What is wrong with an address, said without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    #[error("is empty")]
    Empty,
    #[error("holds a control character or a line break; write the bare address on one line")]
    Control,
    #[error("holds a space, a comma or brackets; write the bare address, like ops@acme.example, one in each place")]
    NotBare,
    #[error("needs exactly one @ with something before and after it")]
    At,
    #[error("has more than 64 characters before the @")]
    LocalPartTooLong,
    #[error("has letters before the @ that are not ASCII; many mail servers cannot take them")]
    LocalPartNotAscii,
    #[error("has a dot at the beginning or end of the part before the @, or two in a row")]
    LocalPartDots,
    #[error("has a domain that is no host name; it needs letters, digits and dashes between single dots")]
    Domain,
    #[error("has a domain of more than 253 characters")]
    DomainTooLong,
    #[error("has a domain that ends in a dot; leave the dot out")]
    TrailingDot,
}

/// The address with its domain in lower-case ASCII (IDNA, UTS 46) and its local part as it is: only the
/// receiving server may fold that. White space around it is dropped.
pub fn normalise_address(written: &str) -> Result<String, AddressError> {
    let address = written.trim_matches([' ', '\t']);
    if address.is_empty() {
        return Err(AddressError::Empty);
    }
    if address.chars().any(super::characters::is_invisible) || address.contains('\n') {
        return Err(AddressError::Control);
    }
    if address.contains(|c: char| c.is_whitespace() || "\"(),:;<>[\\]".contains(c)) {
        return Err(AddressError::NotBare);
    }
    let Some((local, domain)) = address.split_once('@') else { return Err(AddressError::At) };
    if local.is_empty() || domain.is_empty() || domain.contains('@') {
        return Err(AddressError::At);
    }
    if !local.is_ascii() {
        return Err(AddressError::LocalPartNotAscii);
    }
    if local.len() > LOCAL_PART_MOST {
        return Err(AddressError::LocalPartTooLong);
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err(AddressError::LocalPartDots);
    }
    Ok(format!("{local}@{}", normalise_domain(domain)?))
}

/// A host name in lower-case ASCII: `Bücher.example` is `xn--bcher-kva.example`.
pub fn normalise_domain(written: &str) -> Result<String, AddressError> {
    if written.ends_with('.') {
        return Err(AddressError::TrailingDot);
    }
    let domain = match is_plain_host_name(written) {
        true => written.to_owned(),
        false => idna::domain_to_ascii(written).map_err(|_| AddressError::Domain)?,
    };
    if domain.len() > DOMAIN_MOST {
        return Err(AddressError::DomainTooLong);
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if domain.split('.').all(is_label) { Ok(domain) } else { Err(AddressError::Domain) }
}

/// Needs no IDNA: the common case, told apart because every mail takes it. `xn--` labels are still checked.
fn is_plain_host_name(written: &str) -> bool {
    written.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
        && !written.contains("xn--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, expected: Result<&str, AddressError>) {
        assert_eq!(normalise_address(written), expected.map(str::to_owned), "{written:?}");
    }

    #[test]
    fn the_domain_becomes_lower_case_ascii_and_the_local_part_stays() {
        check("ops@acme.example", Ok("ops@acme.example"));
        check("  Ops.Team+x@ACME.Example\t", Ok("Ops.Team+x@acme.example"));
        check("info@Bücher.example", Ok("info@xn--bcher-kva.example"));
        check("info@bücher。example", Ok("info@xn--bcher-kva.example"));
        check("a@xn--bcher-kva.example", Ok("a@xn--bcher-kva.example"));
        check("root@localhost", Ok("root@localhost"));
        check("o'hara/x=y@a.example", Ok("o'hara/x=y@a.example"));
    }

    #[test]
    fn what_is_no_bare_address_is_refused_by_its_fault() {
        check("", Err(AddressError::Empty));
        check("a@b\r\nBcc: c@d", Err(AddressError::Control));
        check("a@b.example\0", Err(AddressError::Control));
        check("a\u{202e}@b.example", Err(AddressError::Control));
        check("\"x\n\" <a@b.example>", Err(AddressError::Control));
        check("Ops <a@b.example>", Err(AddressError::NotBare));
        check("a@b.example,c@d.example", Err(AddressError::NotBare));
        check("\"a b\"@c.example", Err(AddressError::NotBare));
        check("a@[127.0.0.1]", Err(AddressError::NotBare));
        check("a b@c.example", Err(AddressError::NotBare));
        check("a\u{a0}b@c.example", Err(AddressError::NotBare));
        check("nobody", Err(AddressError::At));
        check("@c.example", Err(AddressError::At));
        check("a@", Err(AddressError::At));
        check("a@b@c.example", Err(AddressError::At));
        check(&format!("{}@c.example", "x".repeat(65)), Err(AddressError::LocalPartTooLong));
        check("grüße@c.example", Err(AddressError::LocalPartNotAscii));
        check(".a@c.example", Err(AddressError::LocalPartDots));
        check("a..b@c.example", Err(AddressError::LocalPartDots));
        check("a@c.example.", Err(AddressError::TrailingDot));
        check("a@c..example", Err(AddressError::Domain));
        check("a@-c.example", Err(AddressError::Domain));
        check("a@c_d.example", Err(AddressError::Domain));
        check("a@xn--zz--.example", Err(AddressError::Domain));
        check(&format!("a@{}.example", "x".repeat(64)), Err(AddressError::Domain));
        check(&format!("a@{}", vec!["x".repeat(60); 5].join(".")), Err(AddressError::DomainTooLong));
    }

    proptest::proptest! {
        #[test]
        fn an_accepted_address_is_safe_in_a_header_and_accepted_again(written in "[ -~\\r\\n@ü]{0,40}|[a-z.+]{1,9}@[a-zA-Zü.-]{1,20}") {
            if let Ok(address) = normalise_address(&written) {
                proptest::prop_assert!(address.bytes().all(|byte| byte.is_ascii_graphic()));
                proptest::prop_assert_eq!(normalise_address(&address), Ok(address.clone()));
            }
        }
    }
}
