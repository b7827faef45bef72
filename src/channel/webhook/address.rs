//! Which addresses a client's webhook may reach. Pure.
//!
//! Clients choose these URLs, so each could point at ourselves, our neighbours or a cloud's metadata service
//! (server-side request forgery). Only what is public by its number is reached, and what `[webhook] allow`
//! names. Deliberately absent: looking names up (`resolve`), and lists of bad names: only numbers count.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// A network as the settings write it: any address in it, and how many leading bits count.
pub type Network = (IpAddr, u8);

/// The networks that may be reached though they are not public.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    allowed: Vec<Network>,
}

/// What may be connected to for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// `https:`: public addresses and the allowed networks.
    PublicAndAllowed,
    /// `http:`: only the allowed networks, since what we send would pass readable through any other.
    AllowedOnly,
}

/// A webhook's URL that may be asked, as far as the URL alone can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub url: Url,
    pub realm: Realm,
}

/// Why a URL is not asked. Holds nothing of the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the address is no valid URL")]
    NoUrl,
    #[error("the address is neither https: nor http:")]
    Scheme,
    #[error("the address holds a user name or password, which webhooks do not use")]
    UserInfo,
    #[error("the address is http:, which is only allowed for the private networks of `[webhook] allow`")]
    PlainText,
    #[error("the address is private or special, and not in `[webhook] allow`")]
    Unreachable,
}

/// IPv4 outside the public internet: IANA's special-purpose registry, multicast and the reserved rest.
const SPECIAL_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// The only IPv6 block from which public addresses are given out. Loopback, unique-local, link-local,
/// multicast, NAT64, discard-only and segment-routing addresses all lie outside it.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is special inside that block: IETF protocols (Teredo among them), documentation, 6to4.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

impl Reach {
    pub fn new(allowed: &[Network]) -> Reach {
        Reach { allowed: allowed.to_vec() }
    }

    /// Whether a connection to this address may be made for a request of this realm. An IPv4 address written
    /// as IPv6 (`::ffff:127.0.0.1`) counts as what it is.
    pub fn permits(&self, address: IpAddr, realm: Realm) -> bool {
        let address = address.to_canonical();
        let allowed = self.allowed.iter().any(|network| contains(*network, address));
        match realm {
            Realm::PublicAndAllowed => allowed || is_public(address),
            Realm::AllowedOnly => allowed,
        }
    }

    /// Reads a webhook's URL and refuses what may not be asked whatever its name resolves to. A host written
    /// as a number in any spelling that URLs allow is checked here, because no resolver is asked for it.
    ///
    /// # Errors
    /// The [`Refusal`], in words that can be shown beside the client's name.
    pub fn destination(&self, text: &str) -> Result<Destination, Refusal> {
        let url = Url::parse(text).map_err(|_| Refusal::NoUrl)?;
        let realm = match url.scheme() {
            "https" => Realm::PublicAndAllowed,
            "http" => Realm::AllowedOnly,
            _ => return Err(Refusal::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(Refusal::NoUrl),
        };
        let refusal = match realm {
            Realm::PublicAndAllowed => Refusal::Unreachable,
            Realm::AllowedOnly => Refusal::PlainText,
        };
        match literal {
            Some(address) if !self.permits(address, realm) => Err(refusal),
            None if realm == Realm::AllowedOnly && self.allowed.is_empty() => Err(refusal),
            Some(_) | None => Ok(Destination { url, realm }),
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|(network, prefix)| shares_v4(*network, *prefix, v4)),
        IpAddr::V6(v6) => {
            shares_v6(GLOBAL_V6.0, GLOBAL_V6.1, v6)
                && !SPECIAL_V6.iter().any(|(network, prefix)| shares_v6(*network, *prefix, v6))
        }
    }
}

fn contains((network, prefix): Network, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => shares_v4(network, prefix, address),
        (IpAddr::V6(network), IpAddr::V6(address)) => shares_v6(network, prefix, address),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

fn shares_v4(network: Ipv4Addr, prefix: u8, address: Ipv4Addr) -> bool {
    let differing = u32::from(network) ^ u32::from(address);
    prefix <= 32 && differing.leading_zeros() >= u32::from(prefix)
}

fn shares_v6(network: Ipv6Addr, prefix: u8, address: Ipv6Addr) -> bool {
    let differing = u128::from(network) ^ u128::from(address);
    prefix <= 128 && differing.leading_zeros() >= u32::from(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        let (address, prefix) = text.split_once('/').unwrap();
        (address.parse().unwrap(), prefix.parse().unwrap())
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn no_spelling_of_a_private_or_special_address_is_reached() {
        let closed = Reach::default();
        let hosts = [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "0x7F.0x0.0x0.0x1",
            "127.0.0.1.",
            "①②⑦.⓪.⓪.①",
            "１２７.０.０.１",
            "127。0。0。1",
            "127．0．0．1",
            "%31%32%37.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::FFFF:10.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[fe80::1]",
            "[febf::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2001::1]",
            "[3fff::1]",
            "[2002:7f00:1::]",
            "[2002:c0a8:101::1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::1]",
            "[5f00::1]",
            "[100::1]",
            "[4000::1]",
        ];
        for host in hosts {
            let verdict = closed.destination(&format!("https://{host}/hook"));
            assert_eq!(verdict, Err(Refusal::Unreachable), "{host}");
        }
        assert!(hosts.len() >= 60);
    }

    #[test]
    fn public_addresses_and_names_are_reached_by_https() {
        let closed = Reach::default();
        for host in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "[2606:4700::1111]",
            "[2a00:1450::1]",
            "[2001:4860:4860::8888]",
            "[::ffff:1.1.1.1]",
            "acme.example",
            "acme.example:8443",
            "xn--bcher-kva.example",
            "localhost",
        ] {
            let verdict = closed.destination(&format!("https://{host}/hook"));
            assert_eq!(verdict.map(|destination| destination.realm), Ok(Realm::PublicAndAllowed), "{host}");
        }
    }

    #[test]
    fn an_allowed_network_is_reached_also_by_http_and_nothing_beside_it() {
        let reach = Reach::new(&[network("10.1.0.0/16"), network("127.0.0.0/8"), network("fd00::/8")]);
        let check = |text: &str, expected: Result<Realm, Refusal>| {
            assert_eq!(reach.destination(text).map(|destination| destination.realm), expected, "{text}");
        };
        check("https://10.1.2.3/", Ok(Realm::PublicAndAllowed));
        check("http://10.1.2.3/", Ok(Realm::AllowedOnly));
        check("http://[::ffff:10.1.2.3]/", Ok(Realm::AllowedOnly));
        check("http://[fd00::1]/", Ok(Realm::AllowedOnly));
        check("http://localhost:8080/", Ok(Realm::AllowedOnly));
        check("https://10.2.0.1/", Err(Refusal::Unreachable));
        check("http://10.2.0.1/", Err(Refusal::PlainText));
        check("http://1.1.1.1/", Err(Refusal::PlainText));
        check("https://[fc00::1]/", Err(Refusal::Unreachable));
    }

    #[test]
    fn what_is_no_plain_web_address_is_refused() {
        let check = |text: &str, expected: Refusal| {
            assert_eq!(Reach::default().destination(text), Err(expected), "{text}");
        };
        check("", Refusal::NoUrl);
        check("acme.example/hook", Refusal::NoUrl);
        check("https://", Refusal::NoUrl);
        check("https://[::1", Refusal::NoUrl);
        check("https://256.1.1.1/", Refusal::NoUrl);
        check("https://0x100000000/", Refusal::NoUrl);
        check("https://a b/", Refusal::NoUrl);
        check("file:///etc/passwd", Refusal::Scheme);
        check("ftp://acme.example/", Refusal::Scheme);
        check("gopher://acme.example/", Refusal::Scheme);
        check("unix:/run/candor.sock", Refusal::Scheme);
        check("javascript:alert(1)", Refusal::Scheme);
        check("https://user@acme.example/", Refusal::UserInfo);
        check("https://user:pass@acme.example/", Refusal::UserInfo);
        check("https://:pass@acme.example/", Refusal::UserInfo);
        check("https://1.1.1.1@127.0.0.1/", Refusal::UserInfo);
        check("http://acme.example/", Refusal::PlainText);
        check("http://1.1.1.1/", Refusal::PlainText);
    }

    #[test]
    fn a_prefix_is_counted_in_bits() {
        let check = |written: &str, address: &str, expected: bool| {
            let reach = Reach::new(&[network(written)]);
            assert_eq!(reach.permits(address.parse().unwrap(), Realm::AllowedOnly), expected, "{written} {address}");
        };
        check("10.1.2.3/32", "10.1.2.3", true);
        check("10.1.2.3/32", "10.1.2.2", false);
        check("10.1.2.3/31", "10.1.2.2", true);
        check("10.1.255.255/16", "10.1.0.0", true);
        check("0.0.0.0/0", "192.168.0.1", true);
        check("0.0.0.0/0", "fd00::1", false);
        check("::/0", "fd00::1", true);
        check("::/0", "::ffff:10.0.0.1", false);
        check("10.0.0.0/33", "10.0.0.0", false);
        check("fd00::/129", "fd00::", false);
    }
}
