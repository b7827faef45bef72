//! The checks of single values that several keys share, each a pure function from text to meaning.
//!
//! Deliberately absent: places (the caller knows the key) and values of addresses or secrets in a message.

use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE64;

use super::problem::{Mistake, nearest, quoted};
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

/// Languages by the names that people write instead of their tags.
const LANGUAGES: [(&[&str], &str); 10] = [
    (&["english", "englisch"], "en"),
    (&["german", "deutsch"], "de"),
    (&["french", "français", "französisch"], "fr"),
    (&["spanish", "español", "spanisch"], "es"),
    (&["italian", "italiano", "italienisch"], "it"),
    (&["portuguese", "português", "portugiesisch"], "pt"),
    (&["dutch", "nederlands", "niederländisch"], "nl"),
    (&["polish", "polski", "polnisch"], "pl"),
    (&["japanese", "日本語", "japanisch"], "ja"),
    (&["chinese", "中文", "chinesisch"], "zh"),
];

/// A language tag of the shape of BCP 47: `en`, `de-AT`, `zh-Hant-TW`.
pub fn locale(written: &str) -> Result<String, Mistake> {
    let mut parts = written.split('-');
    let language = parts.next().unwrap_or_default();
    let is_language = (2..=3).contains(&language.len()) && language.chars().all(|c| c.is_ascii_alphabetic());
    let is_rest = |part: &str| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if is_language && parts.clone().count() <= 3 && parts.all(is_rest) {
        return Ok(written.to_owned());
    }
    let by_name = LANGUAGES.iter().find(|(names, _)| names.contains(&written.trim().to_lowercase().as_str()));
    if let Some((_, tag)) = by_name {
        let message = format!("{} is no language tag; did you mean \"{tag}\"?", quoted(written));
        return Err(Mistake::with_help(message, "write a tag such as en, de or de-AT"));
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
    let is_shorthand = written.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "+-:".contains(c));
    if is_shorthand && !written.is_empty() {
        return Err(Mistake::with_help(
            format!("{} is no time zone: it does not say when summer time begins and ends", quoted(written)),
            "write the IANA name of a place in it, such as Europe/Berlin, or UTC",
        ));
    }
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let place = written.trim().replace(' ', "_");
    let by_place = names.iter().find(|name| name.rsplit('/').next().is_some_and(|of| of.eq_ignore_ascii_case(&place)));
    let near = by_place.map(String::as_str).or_else(|| nearest(written, names.iter().map(String::as_str)));
    let message = match near {
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

/// A path; a relative one starts at `folder`, the folder of the file that names it, in its real form, so that
/// each leading `..` is the folder above.
pub fn path(written: &str, folder: &Path) -> Result<PathBuf, Mistake> {
    if written.trim().is_empty() {
        return Err(Mistake::with_help(
            "the path is empty",
            "write the path of a file or folder, or leave the key out",
        ));
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
    fn locales_have_the_shape_of_bcp_47() {
        for right in ["en", "de-AT", "zh-Hant-TW", "es-419"] {
            check(locale(right), Ok(right.to_owned()));
        }
        check(locale("de_AT"), Err("write \"de-AT\""));
        check(locale("en_US.UTF-8"), Err("write \"en-US\""));
        check(locale("English"), Err("did you mean \"en\"?"));
        check(locale("German language"), Err("is no language tag"));
    }

    #[test]
    fn time_zones_are_names_of_the_database() {
        check(timezone("Europe/Berlin"), Ok("Europe/Berlin".to_owned()));
        check(timezone("europe/berlin"), Ok("Europe/Berlin".to_owned()));
        check(timezone("UTC"), Ok("UTC".to_owned()));
        check(timezone("Europe/Berln"), Err("did you mean \"Europe/Berlin\"?"));
        check(timezone("Berlin"), Err("did you mean \"Europe/Berlin\"?"));
        check(timezone("new york"), Err("did you mean \"America/New_York\"?"));
        for shorthand in ["CEST", "UTC+2", "+02:00", "GMT+2"] {
            check(timezone(shorthand), Err("summer time"));
        }
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
