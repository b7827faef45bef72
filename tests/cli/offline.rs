//! What needs no state: `check`, `preview`, `clients secret`, completions and the manual page.

use crate::harness::{BINARY, Endpoint, PAYMENTS, Place, files_below};

#[test]
fn check_names_every_mistake_of_every_file() {
    let place = Place::new();
    place.call(&["check"]).has(0, "good; 2 clients, 1 feed, ", "");
    assert_eq!(place.json(&["check"])["ok"], true);
    place.append(
        "clients.toml",
        "[[client]]\nid = \"acme\"\nname = \"x\"\n[[client]]\nid = \"y\"\nname = \"y\"\ntimezone = \"Mars\"",
    );
    place.write("playbook.toml", "[[guidance]]\nneed = \"perhaps\"\n");
    let answer = place.call(&["check"]);
    answer.has(2, "", "clients.toml");
    for part in ["is in", "Mars", "perhaps", "playbook.toml:2", "mistakes"] {
        assert!(answer.err.contains(part), "lacks {part:?}:\n{}", answer.err);
    }
    let document = place.call(&["check", "--json"]);
    document.has(2, "\"ok\": false", "");
    let document: serde_json::Value = serde_json::from_str(&document.out).unwrap();
    assert_eq!(document["errors"].as_array().unwrap().len(), 3, "{document}");
    assert!(document["errors"].as_array().unwrap().iter().all(|error| error["line"].as_u64().unwrap() > 0));
}

#[test]
fn check_tries_overriding_templates_and_names_clients_without_priorities() {
    let place = Place::new();
    place.append(
        "clients.toml",
        "[[client]]\nid = \"quiet\"\nname = \"Quiet\"\n[[client.contact]]\nemail = \"q@quiet.example\"",
    );
    place.call(&["check"]).has(0, "3 clients", "1 of 3 clients without priorities");
    std::fs::create_dir(place.path("templates")).unwrap();
    place.write("templates/mail.txt", "Hello\n{{ case.nothing_of_this_name }}\n");
    place.call(&["check"]).has(2, "", "mail.txt");
}

#[test]
fn check_online_asks_feeds_the_server_and_endpoints() {
    let place = Place::new();
    std::fs::create_dir(place.path("inbox")).unwrap();
    place.with_webhook(&Endpoint::answering(405).address);
    let answer = place.call(&["check", "--online"]);
    answer.has(0, "good", "webhook of hooked: answers");
    assert!(
        answer.err.contains("mail server: answers") && answer.err.contains("feed files: answers"),
        "{}",
        answer.err
    );
    let clients = std::fs::read_to_string(place.path("clients.toml")).unwrap();
    let at = clients.find("http://127").unwrap();
    let end = at + clients[at..].find('"').unwrap();
    place.write("clients.toml", &clients.replace(&clients[at..end], "http://127.0.0.1:1/x"));
    let answer = place.call(&["check", "--online"]);
    answer.has(1, "", "webhook of hooked:");
    assert!(!answer.err.contains("127.0.0.1:1/x"), "an endpoint's address is a secret: {}", answer.err);
    let document = place.call(&["check", "--online", "--json"]);
    document.has(1, "\"ok\": false", "");
}

#[test]
fn a_configuration_that_is_missing_or_wrong_ends_every_command_with_2() {
    let place = Place::new();
    place.write("candor.toml", "state = 3\n");
    for call in [
        &["cases"][..],
        &["case", "K7QM"],
        &["deliveries"],
        &["retry", "--all"],
        &["check"],
        &["preview"],
        &["clients", "secret", "acme"],
    ] {
        place.call(call).has(2, "", "candor.toml");
    }
    std::fs::remove_file(place.path("candor.toml")).unwrap();
    place.call(&["cases"]).has(2, "", "does not exist");
}

#[test]
fn a_preview_renders_for_each_client_and_leaves_nothing_behind() {
    let place = Place::new();
    place.with_webhook("http://127.0.0.1:1/hook");
    place.write("u.toml", &PAYMENTS.replace("Payments API", "search"));
    let answer = place.call(&["preview", "u.toml"]);
    answer.has(0, "Subject: Payments fail in the EU", "nothing is stored and nothing is sent");
    for part in
        ["== acme, email to o…@acme.example (opened) ==", "What happened", "Was passiert ist", "\"incident.opened\""]
    {
        assert!(answer.out.contains(part), "lacks {part:?}:\n{}", answer.out);
    }
    place.call(&["preview", "u.toml", "--output", "out"]).has(0, "3 messages in out", "");
    let files: Vec<String> = files_below(&place.path("out"))
        .iter()
        .map(|path| path.strip_prefix(place.path("out")).unwrap().display().to_string())
        .collect();
    let expected = [
        "acme/email-1.eml",
        "acme/email-1.html",
        "acme/email-1.txt",
        "globex/email-1.eml",
        "globex/email-1.html",
        "globex/email-1.txt",
        "hooked/webhook-1.json",
    ];
    assert_eq!(files, expected);
    assert_eq!(place.json(&["preview", "u.toml"]).as_array().unwrap().len(), 3);
    assert!(!place.path("candor.db").exists() && !place.path("mail").exists());
    place.write("u.toml", "[incident]\ntitel = 1\n");
    place.call(&["preview", "u.toml"]).has(2, "", "u.toml:2:1");
}

#[test]
fn without_an_update_the_samples_are_shown_in_every_language() {
    let place = Place::new();
    let answer = place.call(&["preview"]);
    answer.has(0, "What happened", "");
    assert!(answer.out.contains("Example Platform"));
    place.call(&["preview", "--output", "out"]).has(0, "messages in out", "");
    for language in ["sample-en", "sample-de"] {
        assert!(files_below(&place.path("out").join(language)).len() > 80, "{language}");
    }
}

#[test]
fn a_derived_secret_is_shown_to_whoever_asks_for_that_client() {
    let place = Place::new();
    place.with_webhook("http://127.0.0.1:1/hook");
    let answer = place.call(&["clients", "secret", "hooked"]);
    answer.has(0, "whsec_", "127.0.0.1:1/…");
    assert_eq!(answer.out.lines().count(), 1);
    assert_eq!(place.json(&["clients", "secret", "hooked"])[0]["secret"], answer.out.trim());
    place.call(&["clients", "secret", "nobody"]).has(1, "", "there is no client");
    place.call(&["clients", "secret", "acme"]).has(1, "", "has no webhook");
}

#[test]
fn completions_and_the_manual_page_need_no_configuration() {
    let call = |arguments: &[&str]| std::process::Command::new(BINARY).args(arguments).env_clear().output().unwrap();
    for (shell, part) in [("bash", "_candor"), ("zsh", "#compdef candor"), ("fish", "complete -c candor")] {
        let output = call(&["completions", shell]);
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains(part), "{shell}");
    }
    let page = String::from_utf8(call(&["man"]).stdout).unwrap();
    for part in [".TH candor", "trigger", "CANDOR CASE", "announce", "CANDOR CLIENTS SECRET"] {
        assert!(page.contains(part), "the page lacks {part:?}");
    }
    assert_eq!(call(&["completions", "abacus"]).status.code(), Some(2));
    assert_eq!(call(&["--help"]).status.code(), Some(0));
}
