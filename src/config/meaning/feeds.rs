//! `[[feed]]`: the sources that we poll.

use std::time::Duration;

use url::Url;

use super::components::id_of;
use super::{DAY, Reading, SECOND, unique, unknown_name};
use crate::config::problem::{KeyPath, Mistake};
use crate::config::settings::{ComponentSettings, FeedKind, FeedSettings, FirstSight};
use crate::config::written::WrittenFeed;
use crate::config::{addresses, values};

/// The source of updates by `--trigger` that name none.
const RESERVED: &str = crate::domain::incident::TRIGGER;

#[derive(Clone, Copy)]
enum Kind {
    Statuspage,
    File,
}

const KINDS: [(&str, Kind); 2] = [("statuspage", Kind::Statuspage), ("file", Kind::File)];

pub(super) fn read(
    reading: &mut Reading<'_>,
    written: &[WrittenFeed],
    components: &[ComponentSettings],
) -> Vec<FeedSettings> {
    let list = KeyPath::root().key("feed");
    let names: Vec<Option<String>> = written.iter().map(|one| one.name.clone()).collect();
    unique(&mut reading.problems, "name", "feed", &names);
    let mut feeds = Vec::with_capacity(written.len());
    for (index, one) in written.iter().enumerate() {
        let table = list.index(index);
        let name = reading.required(&table, "name", one.name.as_deref(), "write name = \"platform\"", feed_name);
        let kind_word =
            reading.required(&table, "kind", one.kind.as_deref(), "write kind = \"statuspage\" or \"file\"", |text| {
                values::word(text, &KINDS)
            });
        let kind = kind_word.and_then(|word| kind(reading, &table, one, word));
        let others = || names.iter().enumerate().filter(|(at, _)| *at != index).filter_map(|(_, name)| name.as_deref());
        same_as_is_another_feed(reading, &table, one, &others().collect::<Vec<_>>());
        was_is_no_present_feed(reading, &table, one, &names);
        one_voice_only(reading, &table, one);
        let default_every = match kind_word {
            Some(Kind::File) => Duration::from_secs(5),
            Some(Kind::Statuspage) | None => Duration::from_secs(30),
        };
        let every = reading
            .or(&table, "every", one.every.as_deref(), default_every, |text| values::duration_in(text, SECOND..=DAY));
        let supplier = reading.optional(&table, "supplier", one.supplier.as_deref(), |text| values::line(text, 100));
        let voice = reading.optional(&table, "voice", one.voice.as_deref(), |text| values::line(text, 100));
        let first_sight = reading.or(&table, "first_sight", one.first_sight.as_deref(), FirstSight::Silent, |text| {
            values::word(text, &[("silent", FirstSight::Silent), ("announce", FirstSight::Announce)])
        });
        let components = reading.list(&table, "components", &one.components, |text| id_of(components, text));
        let ignore = reading.list(&table, "ignore", &one.ignore, |text| values::glob(text));
        if let (Some(name), Some(kind)) = (name, kind) {
            let (same_as, was) = (one.same_as.clone(), one.was.clone());
            feeds.push(FeedSettings {
                name,
                kind,
                every,
                supplier,
                voice,
                first_sight,
                components,
                ignore,
                same_as,
                was,
            });
        }
    }
    feeds
}

fn feed_name(written: &str) -> Result<String, Mistake> {
    if written == RESERVED {
        return Err(Mistake::with_help("\"trigger\" is the name of what comes by hand", "choose another name"));
    }
    values::short_name(written)
}

fn kind(reading: &mut Reading<'_>, table: &KeyPath, one: &WrittenFeed, word: Kind) -> Option<FeedKind> {
    match word {
        Kind::Statuspage => {
            refuse(
                reading,
                table,
                "path",
                one.path.as_ref(),
                "a statuspage feed is read from its `url`; take `path` out",
            );
            let help = "write url = \"https://status.example.com\"";
            let url = reading.required(table, "url", one.url.as_deref(), help, page_address);
            url.map(|url| FeedKind::Statuspage { url })
        }
        Kind::File => {
            refuse(reading, table, "url", one.url.as_ref(), "a file feed is read from its `path`; take `url` out");
            let folder = reading.folder;
            let help = "write path = \"…\": a file of updates, or a folder of them";
            let path = reading.required(table, "path", one.path.as_deref(), help, |text| values::path(text, folder));
            path.map(|path| FeedKind::File { path })
        }
    }
}

fn refuse<T>(reading: &mut Reading<'_>, table: &KeyPath, key: &str, written: Option<&T>, message: &str) {
    if written.is_some() {
        reading.problems.add(table.key(key), Mistake::new(message));
    }
}

/// The page's own address: what people paste from the API or a sub-page is cut off, and a query refused.
fn page_address(written: &str) -> Result<Url, Mistake> {
    let mut url = addresses::web_address(written)?;
    if url.query().is_some() {
        return Err(Mistake::with_help("the address holds a part after `?`", "write the address of the page itself"));
    }
    let path = url.path().split("/api/v2").next().unwrap_or_default().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn same_as_is_another_feed(reading: &mut Reading<'_>, table: &KeyPath, one: &WrittenFeed, others: &[&str]) {
    if let Some(same_as) = one.same_as.as_deref().filter(|same_as| !others.contains(same_as)) {
        let mistake = if one.name.as_deref() == Some(same_as) {
            Mistake::with_help("this is the feed itself", "name the other feed that shows the same page")
        } else {
            unknown_name("other feed", same_as, others)
        };
        reading.problems.add(table.key("same_as"), mistake);
    }
}

fn was_is_no_present_feed(reading: &mut Reading<'_>, table: &KeyPath, one: &WrittenFeed, names: &[Option<String>]) {
    if let Some(was) = one.was.as_deref()
        && names.iter().any(|name| name.as_deref() == Some(was))
    {
        let mistake = Mistake::with_help(
            format!("a feed called `{was}` is still configured"),
            "`was` names the feed's former name, whose open cases it adopts",
        );
        reading.problems.add(table.key("was"), mistake);
    }
}

fn one_voice_only(reading: &mut Reading<'_>, table: &KeyPath, one: &WrittenFeed) {
    if one.supplier.is_some() && one.voice.is_some() {
        let mistake = Mistake::with_help(
            "a supplier's words are quoted under the supplier's name; `voice` is for a feed of our own",
            "take one of `supplier` and `voice` out",
        );
        reading.problems.add(table.key("voice"), mistake);
    }
}
