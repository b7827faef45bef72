//! The checks of addresses: of mail, of the web, of networks.
//!
//! Deliberately absent: any look at the DNS, and the address itself in a message.

use std::net::IpAddr;

use url::Url;

use super::problem::{Mistake, quoted};
use crate::domain::address::normalise_address;

/// An e-mail address, normalised. What was found is not repeated: addresses stand in no error.
pub fn email_address(written: &str) -> Result<String, Mistake> {
    normalise_address(written).map_err(|error| Mistake::new(format!("the e-mail address {error}")))
}

/// An http or https address with a host and without name and password; the fragment is refused.
pub fn web_address(written: &str) -> Result<Url, Mistake> {
    let url = Url::parse(written.trim()).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            let message = "this is no web address: it does not begin with https://";
            Mistake::with_help(message, "write the whole address, https:// first")
        }
        error => Mistake::with_help(format!("this is no web address: {error}"), "write https://HOST/…"),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        let message = format!("the address begins with {}, not with http or https", quoted(url.scheme()));
        return Err(Mistake::with_help(message, "write https://…"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Mistake::new(
            "the address holds a user name or password; they are not sent from there, take them out",
        ));
    }
    if url.fragment().is_some() {
        return Err(Mistake::new("the address has a part after `#`, which is never sent; take it out"));
    }
    Ok(url)
}

/// Where a client's webhook goes: https, or http for a host in one of the allowed networks. A host that is a
/// name can only be judged when it is resolved; then http needs at least one allowed network.
pub fn webhook_address(written: &str, allow: &[(IpAddr, u8)]) -> Result<String, Mistake> {
    let url = web_address(written)?;
    if url.scheme() == "https" {
        return Ok(url.into());
    }
    let permitted = match url.host() {
        Some(url::Host::Ipv4(address)) => allow.iter().any(|network| contains(*network, address.into())),
        Some(url::Host::Ipv6(address)) => allow.iter().any(|network| contains(*network, address.into())),
        Some(url::Host::Domain(_)) => !allow.is_empty(),
        None => false,
    };
    if permitted {
        return Ok(url.into());
    }
    Err(Mistake::with_help(
        "the webhook goes over http, which anybody on the way can read",
        "write https://…, or name its private network in [webhook] allow of candor.toml",
    ))
}

/// Whether `address` lies in the network of (address, prefix length).
pub fn contains(network: (IpAddr, u8), address: IpAddr) -> bool {
    match (network.0, address) {
        (IpAddr::V4(net), IpAddr::V4(found)) => {
            same_prefix(u32::from(net).into(), u32::from(found).into(), network.1, 32)
        }
        (IpAddr::V6(net), IpAddr::V6(found)) => same_prefix(net.into(), found.into(), network.1, 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

fn same_prefix(one: u128, other: u128, prefix: u8, bits: u8) -> bool {
    let unused = u32::from(bits.saturating_sub(prefix));
    (one ^ other).checked_shr(unused).unwrap_or(0) == 0
}

/// A network in CIDR form (RFC 4632), such as `10.1.0.0/16`; an address alone is a network of one.
pub fn network(written: &str) -> Result<(IpAddr, u8), Mistake> {
    let form = || {
        Mistake::with_help(
            format!("{} is no network", quoted(written)),
            "write an address and a prefix length, such as 10.1.0.0/16",
        )
    };
    let (address, prefix) = match written.trim().split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (written.trim(), None),
    };
    let address: IpAddr = address.parse().map_err(|_| form())?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(digits) => digits.parse::<u8>().ok().filter(|prefix| *prefix <= bits).ok_or_else(form)?,
        None => bits,
    };
    let start = first_address(address, prefix);
    if start == address {
        return Ok((address, prefix));
    }
    Err(Mistake::new(format!("{} is an address inside a network; the network is {start}/{prefix}", quoted(written))))
}

fn first_address(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: std::fmt::Debug + PartialEq>(found: Result<T, Mistake>, expected: Result<T, &str>) {
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(part)) => assert!(found.message.contains(part), "{found:?} lacks {part}"),
            (found, expected) => panic!("found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn networks_begin_at_their_first_address() {
        let v4 = |text: &str| text.parse::<IpAddr>().expect("an address");
        check(network("10.1.0.0/16"), Ok((v4("10.1.0.0"), 16)));
        check(network("10.1.2.3"), Ok((v4("10.1.2.3"), 32)));
        check(network("0.0.0.0/0"), Ok((v4("0.0.0.0"), 0)));
        check(network("fd00::/8"), Ok((v4("fd00::"), 8)));
        check(network("10.1.2.3/16"), Err("the network is 10.1.0.0/16"));
        check(network("10.1.0.0/33"), Err("is no network"));
        check(network("example.com/8"), Err("is no network"));
    }

    #[test]
    fn webhooks_go_over_https_except_into_allowed_networks() {
        let allow = [network("10.1.0.0/16").expect("a network")];
        check(webhook_address("https://Acme.example/h", &[]), Ok("https://acme.example/h".to_owned()));
        check(webhook_address("http://10.1.2.3/h", &allow), Ok("http://10.1.2.3/h".to_owned()));
        check(webhook_address("http://10.2.2.3/h", &allow), Err("over http"));
        check(webhook_address("http://acme.example/h", &[]), Err("over http"));
        check(webhook_address("file:///etc/passwd", &[]), Err("not with http"));
        check(webhook_address("https://u:p@acme.example/", &[]), Err("user name or password"));
        check(webhook_address("https://acme.example/#x", &[]), Err("after `#`"));
    }
}
