//! `[[hook]]`: the webhooks that we take, and how their senders prove themselves.

use super::{Reading, unique, unknown_name};
use crate::config::problem::{KeyPath, Mistake};
use crate::config::settings::{FeedSettings, HookKind, HookSettings};
use crate::config::values;
use crate::config::written::{OneOrMany, WrittenHook, WrittenSecret};
use crate::domain::client::SecretRef;

#[derive(Clone, Copy)]
enum Kind {
    Native,
    Statuspage,
}

const KINDS: [(&str, Kind); 2] = [("native", Kind::Native), ("statuspage", Kind::Statuspage)];

/// More secrets than this are no rotation.
const MOST_SECRETS: usize = 8;

pub(super) fn read(reading: &mut Reading<'_>, written: &[WrittenHook], feeds: &[FeedSettings]) -> Vec<HookSettings> {
    let list = KeyPath::root().key("hook");
    let names: Vec<Option<String>> = written.iter().map(|one| one.name.clone()).collect();
    unique(&mut reading.problems, "name", "hook", &names);
    let mut hooks = Vec::with_capacity(written.len());
    for (index, one) in written.iter().enumerate() {
        let table = list.index(index);
        let name = reading.required(&table, "name", one.name.as_deref(), "write name = \"pager\"", |text| {
            hook_name(text, one, feeds)
        });
        let kind = reading.required(
            &table,
            "kind",
            one.kind.as_deref(),
            "write kind = \"native\" or \"statuspage\"",
            |text| values::word(text, &KINDS),
        );
        let feed = reading.optional(&table, "feed", one.feed.as_deref(), |text| known_feed(text, feeds));
        let folder = reading.folder;
        let secrets =
            checked(reading, &table, "secret", one.secret.as_ref(), |one| values::signing_secret(one, folder));
        let tokens = checked(reading, &table, "token", one.token.as_ref(), |one| values::token(one, folder));
        let kind = kind.map(|kind| match kind {
            Kind::Native => {
                if one.secret.is_none() && one.token.is_none() {
                    let help = "write secret (Standard Webhooks, whsec_…) or token (a bearer token)";
                    reading.problems.missing(&table, "secret", help);
                }
                HookKind::Native { secrets, tokens }
            }
            Kind::Statuspage => {
                statuspage_keys(reading, &table, one);
                HookKind::Statuspage { tokens }
            }
        });
        if let (Some(name), Some(kind)) = (name, kind) {
            hooks.push(HookSettings { name, kind, feed });
        }
    }
    hooks
}

/// A hook without a feed is a source of its own, so it cannot bear a feed's name.
fn hook_name(written: &str, one: &WrittenHook, feeds: &[FeedSettings]) -> Result<String, Mistake> {
    if one.feed.is_none() && (written == "trigger" || feeds.iter().any(|feed| feed.name == written)) {
        let message = format!("`{written}` is the name of another source");
        return Err(Mistake::with_help(
            message,
            format!("write feed = \"{written}\" if it tells the same incidents, or choose another name"),
        ));
    }
    values::short_name(written)
}

fn known_feed(written: &str, feeds: &[FeedSettings]) -> Result<String, Mistake> {
    if feeds.iter().any(|feed| feed.name == written) {
        return Ok(written.to_owned());
    }
    let known: Vec<&str> = feeds.iter().map(|feed| feed.name.as_str()).collect();
    Err(unknown_name("feed", written, &known))
}

fn statuspage_keys(reading: &mut Reading<'_>, table: &KeyPath, one: &WrittenHook) {
    if one.feed.is_none() {
        reading.problems.missing(table, "feed", "a statuspage hook only makes a feed due; name that feed");
    }
    if one.token.is_none() {
        reading.problems.missing(
            table,
            "token",
            "Statuspage does not sign; write the token that ends the hook's address",
        );
    }
    if one.secret.is_some() {
        let mistake = Mistake::with_help("Statuspage does not sign its webhooks", "write token instead of secret");
        reading.problems.add(table.key("secret"), mistake);
    }
}

fn checked(
    reading: &mut Reading<'_>,
    table: &KeyPath,
    key: &str,
    written: Option<&OneOrMany<WrittenSecret>>,
    check: impl Fn(&SecretRef) -> Result<SecretRef, Mistake>,
) -> Vec<SecretRef> {
    let Some(OneOrMany(list)) = written else { return Vec::new() };
    if list.is_empty() || list.len() > MOST_SECRETS {
        let message = format!("the list has {} entries; write 1 to {MOST_SECRETS}", list.len());
        reading.problems.add(table.key(key), Mistake::new(message));
        return Vec::new();
    }
    reading.list(table, key, list, |secret| check(&secret.0))
}
