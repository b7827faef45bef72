//! The files that stand for a test: the shipped examples, and a file for each mistake.

use std::fs;
use std::path::{Path, PathBuf};

use super::clients::{BookError, ClientRules, for_each_client};
use super::diagnostic::Diagnostic;
use super::document::Document;
use super::locate::{from_text, load, warnings};
use super::settings::{FeedKind, MailServer, Settings};
use super::written::{self, WrittenClients, WrittenPlaybook, WrittenSettings};
use super::{clients, playbook};
use crate::domain::client::Channel;

pub(super) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(super) fn shown(found: &[Diagnostic]) -> String {
    found.iter().map(|one| format!("{one}\n")).collect()
}

/// The configuration that client and playbook fixtures are read with.
pub(super) fn settings() -> Settings {
    load(&project("tests/fixtures/config/good.toml")).unwrap_or_else(|found| panic!("{}", shown(&found)))
}

/// The text with `#key = …` and `#[table]` put in force; prose has a space after its `#`.
fn with_all_keys(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => key,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The dotted keys that a TOML text names, without list indexes.
fn keys_in(text: &str) -> Vec<String> {
    let mut table = String::new();
    let mut keys = Vec::new();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_matches(['[', ']']).to_owned();
            keys.push(table.clone());
        } else if let Some((key, value)) = line.split_once(" = ").filter(|(key, _)| !key.contains([' ', '#'])) {
            let key = if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
            let inner = value.split(['{', ',']).filter_map(|part| part.trim().split_once(" = ")).map(|(name, _)| name);
            keys.extend(inner.map(|name| format!("{key}.{name}")));
            keys.push(key);
        }
    }
    keys
}

fn check_example<T: serde::de::DeserializeOwned>(file: &str) {
    let text = fs::read_to_string(project(file)).expect("the example is there");
    let all = with_all_keys(&text);
    let document = Document::parse(Path::new(file), &all).unwrap_or_else(|found| panic!("{}", shown(&found)));
    let (_, found) = document.read::<T>();
    assert!(found.is_empty(), "with all keys in force:\n{}", shown(&found));
    let named = keys_in(&all);
    let lacking: Vec<String> = written::keys::of::<T>().into_iter().filter(|key| !named.contains(key)).collect();
    assert!(lacking.is_empty(), "{file} is the manual and lacks {lacking:?}");
}

#[test]
fn the_examples_name_every_key() {
    check_example::<WrittenSettings>("config/candor.toml");
    check_example::<WrittenClients>("config/clients.toml");
    check_example::<WrittenPlaybook>("config/playbook.toml");
}

#[test]
fn the_shipped_configuration_works_as_it_is() {
    let settings = load(&project("config/candor.toml")).unwrap_or_else(|found| panic!("{}", shown(&found)));
    let var = project("var").canonicalize().unwrap_or(project("var"));
    assert_eq!(settings.state, var.join("candor.db"));
    assert_eq!(settings.feeds[0].kind, FeedKind::File { path: var.join("inbox") });
    let email = settings.email.as_ref().expect("mail goes somewhere");
    assert_eq!(email.server, MailServer::Maildir { path: var.join("mail") });
    let entries =
        playbook::read(&settings.playbook, &settings.components).unwrap_or_else(|found| panic!("{}", shown(&found)));
    assert!(entries.iter().any(|entry| entry.need == crate::domain::incident::Need::None));
    let mut ids = Vec::new();
    let rules = ClientRules::new(&settings, &entries);
    let summary = for_each_client(&settings.clients, &rules, &mut |client| {
        ids.push(client.id);
        Ok(())
    });
    let summary = summary.expect("the example clients are right");
    assert_eq!(ids, ["northwind", "acme", "globex"]);
    assert_eq!((summary.clients, summary.emails, summary.warnings.len()), (3, 3, 0));
    assert_eq!(shown(&warnings(&settings)), "");
}

#[test]
fn the_keys_of_the_contract_mean_what_it_says() {
    let settings = settings();
    assert_eq!(settings.hooks.len(), 3);
    assert_eq!(settings.promise.critical.map(|time| time.as_secs()), [1_800, 1_800, 3_600]);
    assert_eq!(settings.promise.minor.map(|time| time.as_secs()), [7_200; 3]);
    assert_eq!(settings.email.as_ref().and_then(|email| email.rate), Some(20.0));
    assert_eq!(settings.components[1].part_of.as_deref(), Some("payments"));
    assert_eq!(settings.feeds[0].components, ["payments"]);
}

/// What a fixture expects: `# expect: LINE:COLUMN KEY fragment`. The key of a whole file is `-`.
struct Expected {
    line: usize,
    column: usize,
    key: String,
    fragment: String,
}

fn expectations(text: &str) -> Vec<Expected> {
    let lines = text.lines().map_while(|line| line.strip_prefix("# expect: "));
    let parse = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let (place, key) = (parts.next()?, parts.next()?);
        let (line, column) = place.split_once(':')?;
        let key = if key == "-" { String::new() } else { key.to_owned() };
        Some(Expected {
            line: line.parse().ok()?,
            column: column.parse().ok()?,
            key,
            fragment: parts.next()?.to_owned(),
        })
    };
    lines.map(|line| parse(line).unwrap_or_else(|| panic!("not an expectation: {line}"))).collect()
}

/// What is found in a fixture; a CSV file is read without its expectations, and its lines counted with them.
fn found_in(file: &Path, text: &str, expected: usize) -> Vec<Diagnostic> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let settings = settings();
    if name.starts_with("playbook-") {
        return playbook::read(file, &settings.components).err().unwrap_or_default();
    }
    if !name.starts_with("clients-") {
        let folder = file.parent().unwrap_or(Path::new("."));
        return from_text(file, folder, text).err().unwrap_or_default();
    }
    let entries = playbook::read(&project("tests/fixtures/config/good-playbook.toml"), &settings.components)
        .unwrap_or_else(|found| panic!("{}", shown(&found)));
    let rules = ClientRules::new(&settings, &entries);
    let folder = tempfile::tempdir().expect("a folder");
    let is_csv = name.ends_with(".csv");
    let copy = folder.path().join(name);
    let skipped = if is_csv { expected } else { 0 };
    fs::write(&copy, text.split_inclusive('\n').skip(skipped).collect::<String>()).expect("a copy");
    match for_each_client(&copy, &rules, &mut |_| Ok(())) {
        Ok(_) => Vec::new(),
        Err(BookError::Sink(error)) => panic!("{error}"),
        Err(BookError::Faulty(mut found)) => {
            found.iter_mut().for_each(|one| one.line += if one.line > 0 { skipped } else { 0 });
            found
        }
    }
}

#[test]
fn every_bad_fixture_is_refused_at_its_place() {
    let folder = project("tests/fixtures/config/bad");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("the fixtures are there").map(|entry| entry.expect("is readable").path()).collect();
    files.sort();
    assert!(files.len() >= 30, "only {} fixtures", files.len());
    let mut wrong = String::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("is readable");
        let expected = expectations(&text);
        let found = found_in(&file, &text, expected.len());
        let fits = |one: &Expected, found: &Diagnostic| {
            (found.line, found.column) == (one.line, one.column)
                && found.key == one.key
                && found.message.contains(&one.fragment)
        };
        let all_found = expected.iter().all(|one| found.iter().any(|found| fits(one, found)));
        if expected.is_empty() || !all_found || found.len() != expected.len() {
            wrong.push_str(&format!("{}:\n{}", file.display(), shown(&found)));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{wrong}");
}

#[test]
fn a_book_of_files_in_both_forms_is_one_book() {
    let settings = settings();
    let rules = ClientRules::new(&settings, &[]);
    let folder = tempfile::tempdir().expect("a folder");
    let csv = "\u{feff}id;name;priorities;email;webhook;webhook_secret;fact.region\r\n\
               a;Acme;payments|search;ops@acme.example;;;eu\r\n\
               b;\"B \"\"x\"\" Ltd\";*;b@b.example;;;\r\n\
               a;Acme;payments|search;;https://acme.example/h;env:ACME;eu\r\n";
    fs::write(folder.path().join("one.csv"), csv).expect("a file");
    let toml = "[[client]]\nid = \"c\"\npriorities = [\"Payments API\"]\n[[client.contact]]\nemail = \"x@c.example\"\n";
    fs::write(folder.path().join("two.toml"), toml).expect("a file");
    let mut all = Vec::new();
    let summary = for_each_client(folder.path(), &rules, &mut |client| {
        all.push(client);
        Ok(())
    });
    let summary = summary.expect("the book is right");
    assert_eq!((summary.clients, summary.emails, summary.webhooks, summary.files.len()), (3, 3, 1, 2));
    let ids: Vec<&str> = all.iter().map(|client| client.id.as_str()).collect();
    assert_eq!(ids, ["b", "a", "c"], "a client is given on with its last row");
    let acme = &all[1];
    assert_eq!(acme.priorities, ["payments", "search"]);
    assert_eq!(acme.contacts.iter().map(|one| one.channel).collect::<Vec<_>>(), [Channel::Email, Channel::Webhook]);
    assert_eq!(acme.facts.get("region").map(String::as_str), Some("eu"));
    assert_eq!(all[0].name, "B \"x\" Ltd");
    assert_eq!(all[2].priorities, ["payments"], "a component's name stands for its id");
}

#[test]
fn an_id_in_two_files_names_both_places() {
    let settings = settings();
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.toml", "b.toml"] {
        fs::write(folder.path().join(name), "# one\n[[client]]\nid = \"x\"\n").expect("a file");
    }
    let rules = ClientRules::new(&settings, &[]);
    match for_each_client(folder.path(), &rules, &mut |_| Ok(())) {
        Err(BookError::Faulty(found)) => {
            let text = shown(&found);
            assert!(text.contains("b.toml:3:6: client[x].id:") && text.contains("a.toml:2 already"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn clients_who_are_told_nothing_are_counted_and_named() {
    let settings = settings();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clients.toml");
    fs::write(&file, "[[client]]\nid = \"x\"\n").expect("a file");
    let rules = ClientRules::new(&settings, &[]);
    let summary = for_each_client(&file, &rules, &mut |_| Ok(())).expect("is allowed");
    assert_eq!((summary.without_priorities, summary.without_contacts, summary.warnings.len()), (1, 1, 2));
}

#[test]
fn a_configuration_is_looked_for_in_order() {
    use super::locate::find;
    let check = |named: Option<&str>, environment: Option<&str>, expected: &str| {
        assert_eq!(find(named.map(Path::new), environment.map(Path::new)), Ok(PathBuf::from(expected)));
    };
    check(Some("a.toml"), Some("b.toml"), "a.toml");
    check(None, Some("b.toml"), "b.toml");
}

#[test]
fn files_that_are_no_configuration_are_refused_as_a_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |path: &Path, part: &str| {
        let found = load(path).expect_err("is refused");
        assert!(shown(&found).contains(part), "{} lacks {part}", shown(&found));
    };
    check(folder.path(), "this is a folder");
    check(&folder.path().join("none.toml"), "does not exist");
    let binary = folder.path().join("binary.toml");
    fs::write(&binary, b"state = \"x\"\n\xff\xfe").expect("a file");
    check(&binary, "line 2 is not UTF-8");
    fs::write(&binary, b"").expect("a file");
    check(&binary, "the table `sender` is missing");
}

#[test]
fn after_a_mistake_no_client_is_given_on_and_all_mistakes_are_found() {
    let settings = settings();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clients.toml");
    let text: String = (0..200).map(|number| format!("[[client]]\nid = \"c{number}\"\nnmae = \"x\"\n")).collect();
    fs::write(&file, format!("[[client]]\nid = \"first\"\n{text}")).expect("a file");
    let rules = ClientRules::new(&settings, &[]);
    let mut given = 0;
    let result = for_each_client(&file, &rules, &mut |_| {
        given += 1;
        Ok(())
    });
    match result {
        Err(BookError::Faulty(found)) => assert_eq!((given, found.len()), (1, clients::MOST_DIAGNOSTICS)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sink_that_fails_ends_the_reading() {
    let settings = settings();
    let rules = ClientRules::new(&settings, &[]);
    let result = for_each_client(&project("config/clients.toml"), &rules, &mut |_| anyhow::bail!("the disk is full"));
    assert!(matches!(result, Err(BookError::Sink(_))), "{result:?}");
}

#[test]
fn no_diagnostic_tells_an_address_or_a_secret() {
    let hostile = "password = \"hunter2\"\n[email]\nserver = \"smtp://bob:hunter2@mail.example.com\"\npassword = 5\n\
                   [[hook]]\nname = \"a\"\nkind = \"native\"\nsecret = \"whsec_hunter2\"\ntoken = \"hunter2\"\n\
                   [[operator.contact]]\nemail = \"hunter2@x y\"\n[[operator.contact]]\nwebhook = \"http://x.example/hunter2\"\n";
    let found = from_text(Path::new("x.toml"), Path::new("/"), hostile).expect_err("is full of mistakes");
    assert!(found.len() >= 7, "{}", shown(&found));
    let text = format!("{}{}", shown(&found), super::diagnostic::draw(&found, super::diagnostic::Drawing::Plain));
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn texts_of_several_lines_may_be_written_with_any_line_ends() {
    let settings = settings();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("playbook.toml");
    let text = "[[guidance]]\r\nneed = \"maybe\"\r\naction = \"\"\"\r\nOne.\r\nTwo.\r\n\"\"\"\r\n";
    fs::write(&file, text).expect("a file");
    let entries = playbook::read(&file, &settings.components).unwrap_or_else(|found| panic!("{}", shown(&found)));
    assert_eq!(entries[0].action.as_deref(), Some("One.\nTwo.\n"));
    let file = folder.path().join("clients.toml");
    fs::write(&file, "[[client]]\r\nid = \"x\"\r\nfacts.note = \"\"\"\r\nOne.\r\nTwo.\"\"\"\r\n").expect("a file");
    let mut facts = Vec::new();
    let read = for_each_client(&file, &ClientRules::new(&settings, &[]), &mut |client| {
        facts.extend(client.facts.into_values());
        Ok(())
    });
    assert!(read.is_ok() && facts == ["One.\nTwo."], "{read:?} {facts:?}");
}
