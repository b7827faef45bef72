//! The checks of single values that several keys share, each a pure function from text to meaning.
//!
//! Deliberately absent: places (the caller knows the key) and values of addresses or secrets in a message.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE64;
use url::Url;

use super::problem::{Mistake, nearest, quoted};
use crate::domain::address::normalise_address;
use crate::domain::client::SecretRef;
use crate::domain::duration;

/// A duration within `range`.
pub fn duration_in(written: &str, range: RangeInclusive<Duration>) -> Result<Duration, Mistake> {
    let found = duration::parse(written)?;
    if range.contains(&found) {
        return Ok(found);
    }
    let (least, most) = (duration::format(*range.start()), duration::format(*range.end()));
    Err(Mistake::new(format!("{} is outside what is allowed: {least} to {most}", quoted(written))))
}

/// A whole number within `range`.
pub fn count_in(written: i64, range: RangeInclusive<i64>) -> Result<i64, Mistake> {
    if range.contains(&written) {
        return Ok(written);
    }
    Err(Mistake::new(format!("{written} is outside what is allowed: {} to {}", range.start(), range.end())))
}

/// One of a closed list of words.
pub fn word<T: Copy>(written: &str, allowed: &[(&str, T)]) -> Result<T, Mistake> {
    if let Some((_, meaning)) = allowed.iter().find(|(word, _)| *word == written) {
        return Ok(*meaning);
    }
    let words = allowed.iter().map(|(word, _)| *word);
    let known = words.clone().collect::<Vec<_>>().join(", ");
    Err(match nearest(written, words) {
        Some(near) => Mistake::with_help(
            format!("{} is unknown; did you mean `{near}`?", quoted(written)),
            format!("write one of: {known}"),
        ),
        None => Mistake::with_help(format!("{} is unknown", quoted(written)), format!("write one of: {known}")),
    })
}

/// A line of text for people: not blank, no control characters, at most `most` characters.
pub fn line(written: &str, most: usize) -> Result<String, Mistake> {
    let trimmed = written.trim();
    if trimmed.is_empty() {
        return Err(Mistake::with_help("the text is empty", "write some words, or leave the key out"));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(Mistake::new("the text holds a line break or another control character; write it in one line"));
    }
    let length = trimmed.chars().count();
    if length > most {
        return Err(Mistake::new(format!("the text has {length} characters; at most {most} are allowed")));
    }
    Ok(trimmed.to_owned())
}

/// A name that stands in addresses, metrics and file names: letters, digits, `.`, `_`, `-`, at most 64.
pub fn short_name(written: &str) -> Result<String, Mistake> {
    let fits = (1..=64).contains(&written.len())
        && written.starts_with(|c: char| c.is_ascii_alphanumeric())
        && written.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if fits {
        return Ok(written.to_owned());
    }
    Err(Mistake::with_help(
        format!("{} cannot be a name", quoted(written)),
        "write 1 to 64 letters (a-z, A-Z), digits, dots, underscores or dashes, a letter or digit first",
    ))
}

/// An http or https address with a host and without name and password; the fragment is refused.
pub fn web_address(written: &str) -> Result<Url, Mistake> {
    let url = Url::parse(written.trim())
        .map_err(|error| Mistake::with_help(format!("this is no web address: {error}"), "write https://…"))?;
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

/// A rate such as `"20/s"`, `"1200/m"`, `"5000/h"`, as a number a second.
pub fn rate(written: &str) -> Result<f64, Mistake> {
    let form =
        || Mistake::with_help(format!("{} is no rate", quoted(written)), r#"write "20/s", "1200/m" or "5000/h""#);
    let (number, unit) = written.split_once('/').ok_or_else(form)?;
    let count = number.trim().parse::<u32>().ok().filter(|count| *count > 0).ok_or_else(form)?;
    let seconds = match unit.trim() {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(form()),
    };
    Ok(f64::from(count) / seconds)
}

/// A language tag of the shape of BCP 47: `en`, `de-AT`, `zh-Hant-TW`.
pub fn locale(written: &str) -> Result<String, Mistake> {
    let mut parts = written.split('-');
    let language = parts.next().unwrap_or_default();
    let is_language = (2..=3).contains(&language.len()) && language.chars().all(|c| c.is_ascii_alphabetic());
    let is_rest = |part: &str| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if is_language && parts.clone().count() <= 3 && parts.all(is_rest) {
        return Ok(written.to_owned());
    }
    let mend = written.replace('_', "-");
    let mend = mend.split('.').next().unwrap_or_default();
    if mend != written && locale(mend).is_ok() {
        return Err(Mistake::new(format!("{} is no language tag; write \"{mend}\"", quoted(written))));
    }
    Err(Mistake::with_help(format!("{} is no language tag", quoted(written)), "write a tag such as en, de or de-AT"))
}

/// An IANA time zone, such as `Europe/Berlin`; its name as the database writes it.
pub fn timezone(written: &str) -> Result<String, Mistake> {
    if written == "UTC" {
        return Ok(written.to_owned());
    }
    if let Ok(zone) = jiff::tz::TimeZone::get(written)
        && let Some(name) = zone.iana_name()
    {
        return Ok(name.to_owned());
    }
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let message = match nearest(written, names.iter().map(String::as_str)) {
        Some(near) => format!("{} is no time zone; did you mean \"{near}\"?", quoted(written)),
        None => format!("{} is no time zone", quoted(written)),
    };
    Err(Mistake::with_help(message, "write an IANA name such as Europe/Berlin"))
}

/// A pattern of component names: `*` for any characters, `?` for one.
pub fn glob(written: &str) -> Result<String, Mistake> {
    const MOST_STARS: usize = 8;
    let pattern = line(written, 200)?;
    if pattern.matches('*').count() > MOST_STARS {
        return Err(Mistake::new(format!("the pattern has more than {MOST_STARS} stars")));
    }
    if pattern.chars().all(|c| c == '*') {
        return Err(Mistake::with_help(
            format!("{} matches every name there is", quoted(written)),
            "name a part of what it should match, such as \"Payments API*\"",
        ));
    }
    Ok(pattern)
}

/// An e-mail address, normalised. What was found is not repeated: addresses stand in no error.
pub fn email_address(written: &str) -> Result<String, Mistake> {
    normalise_address(written).map_err(|error| Mistake::new(format!("the e-mail address {error}")))
}

/// A path; a relative one starts at `folder`, the folder of the file that names it, in its real form, so that
/// each leading `..` is the folder above.
pub fn path(written: &str, folder: &Path) -> Result<PathBuf, Mistake> {
    if written.trim().is_empty() {
        return Err(Mistake::new("the path is empty"));
    }
    if written.contains('\0') {
        return Err(Mistake::new("the path holds a NUL character"));
    }
    let mut whole = folder.to_owned();
    let mut has_name = false;
    for part in Path::new(written).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if !has_name => {
                whole.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::ParentDir | Component::Normal(_) => {
                has_name = true;
                whole.push(part);
            }
        }
    }
    Ok(whole)
}

/// A secret as meant: the path of a file is made absolute, an empty name is refused.
pub fn secret(written: &SecretRef, folder: &Path) -> Result<SecretRef, Mistake> {
    match written {
        SecretRef::Credential(name) => {
            if name.contains('/') || name.starts_with('.') {
                return Err(Mistake::new("a credential is named as in the unit's LoadCredential=, without a path"));
            }
            line(name, 255).map(SecretRef::Credential)
        }
        SecretRef::File(file) => path(&file.to_string_lossy(), folder).map(SecretRef::File),
        SecretRef::Env(name) => {
            if name.contains('=') || name.contains('\0') {
                return Err(Mistake::new("the name of an environment variable holds no `=`"));
            }
            line(name, 255).map(SecretRef::Env)
        }
        SecretRef::Plain(text) if text.trim().is_empty() => Err(Mistake::new("the secret is empty")),
        SecretRef::Plain(text) => Ok(SecretRef::Plain(text.clone())),
    }
}

/// A secret that signs webhooks: if it is written in plain its shape is checked (Standard Webhooks:
/// `whsec_` and the base64 of 24 to 64 bytes).
pub fn signing_secret(written: &SecretRef, folder: &Path) -> Result<SecretRef, Mistake> {
    if let SecretRef::Plain(text) = written {
        signing_shape(text)?;
    }
    secret(written, folder)
}

/// Checks the shape of a Standard Webhooks secret without telling it.
pub fn signing_shape(text: &str) -> Result<(), Mistake> {
    const HELP: &str = "write whsec_ and the base64 of 24 to 64 random bytes, e.g. from: openssl rand -base64 32";
    let encoded = text
        .trim()
        .strip_prefix("whsec_")
        .ok_or_else(|| Mistake::with_help("a signing secret begins with whsec_", HELP))?;
    let key =
        BASE64.decode(encoded.as_bytes()).map_err(|_| Mistake::with_help("what follows whsec_ is not base64", HELP))?;
    match key.len() {
        24..=64 => Ok(()),
        found => Err(Mistake::with_help(format!("the signing secret has {found} bytes"), HELP)),
    }
}

/// A token that is known by being unguessable, and stands in a path or header: if it is written in plain it
/// has at least 16 characters, all of them safe in an address.
pub fn token(written: &SecretRef, folder: &Path) -> Result<SecretRef, Mistake> {
    const HELP: &str = "write at least 16 letters, digits, dashes or underscores, e.g. from: openssl rand -hex 20";
    if let SecretRef::Plain(text) = written {
        let is_safe = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c));
        if !is_safe || !(16..=256).contains(&text.len()) {
            return Err(Mistake::with_help("the token can be guessed or does not fit an address", HELP));
        }
    }
    secret(written, folder)
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
    fn rates_are_numbers_a_second() {
        check(rate("20/s"), Ok(20.0));
        check(rate("1200/m"), Ok(20.0));
        check(rate("5400 / h"), Ok(1.5));
        for wrong in ["20", "0/s", "-1/s", "20/d", "x/s", "1e3/s"] {
            check(rate(wrong), Err("is no rate"));
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

    #[test]
    fn locales_have_the_shape_of_bcp_47() {
        for right in ["en", "de-AT", "zh-Hant-TW", "es-419"] {
            check(locale(right), Ok(right.to_owned()));
        }
        check(locale("de_AT"), Err("write \"de-AT\""));
        check(locale("en_US.UTF-8"), Err("write \"en-US\""));
        check(locale("German language"), Err("is no language tag"));
    }

    #[test]
    fn time_zones_are_names_of_the_database() {
        check(timezone("Europe/Berlin"), Ok("Europe/Berlin".to_owned()));
        check(timezone("europe/berlin"), Ok("Europe/Berlin".to_owned()));
        check(timezone("UTC"), Ok("UTC".to_owned()));
        check(timezone("Europe/Berln"), Err("did you mean \"Europe/Berlin\"?"));
        check(timezone("../../etc/passwd"), Err("is no time zone"));
    }

    #[test]
    fn signing_secrets_have_the_shape_of_standard_webhooks() {
        check(signing_shape("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Ok(()));
        check(signing_shape("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Err("begins with whsec_"));
        check(signing_shape("whsec_!!!"), Err("not base64"));
        check(signing_shape("whsec_AAAAAAAAAAA="), Err("8 bytes"));
    }

    #[test]
    fn relative_paths_start_at_the_folder() {
        check(path("candor.db", Path::new("/etc/candor")), Ok("/etc/candor/candor.db".into()));
        check(path("../var/./x", Path::new("/srv/config")), Ok("/srv/var/x".into()));
        check(path("/var/lib/x", Path::new("/etc/candor")), Ok("/var/lib/x".into()));
        check(path("", Path::new("/etc/candor")), Err("empty"));
    }

    #[test]
    fn a_glob_that_matches_everything_is_refused() {
        check(glob("Payments API*"), Ok("Payments API*".to_owned()));
        check(glob("*"), Err("every name"));
        check(glob(" "), Err("empty"));
    }
}
