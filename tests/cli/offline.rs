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

#[test]
fn what_a_person_typed_into_an_update_is_shown_back_with_its_line() {
    let place = Place::new();
    place.write(
        "u.toml",
        "[incident]\ntitle = \"write to ops@acme.example, the key\"\nsource = \"flies\"\n[update]\nbody = \"x\"\n",
    );
    let answer = place.call(&["--trigger", "u.toml"]);
    answer.has(2, "", "u.toml:3:10");
    assert!(answer.err.contains("did you mean `files`?"), "{}", answer.err);
    place.write("u.toml", "[incident]\ntitle = \"write to ops@acme.example\\nthe key\"\n");
    place.call(&["--trigger", "u.toml"]).has(2, "", "title = \"write to ops@acme.example\\nthe key\"");
    std::fs::write(place.path("u.toml"), b"\xff\xfeu\0").unwrap();
    place.call(&["--trigger", "u.toml"]).has(2, "", "UTF-16");
    assert!(!place.path("candor.db").exists());
}

#[test]
fn a_secret_that_is_not_there_is_a_warning_and_online_a_failure() {
    let place = Place::new();
    place.append("candor.toml", "[[hook]]\nname = \"tools\"\nkind = \"native\"\nsecret = { env = \"TOOLS_SECRET\" }\n");
    std::fs::create_dir(place.path("inbox")).unwrap();
    let answer = place.call(&["check"]);
    answer.has(
        0,
        "good",
        "warning: hook[0].secret: this user cannot use the secret: the environment variable TOOLS_SECRET",
    );
    place.call(&["check", "--online"]).has(1, "", "hook[0].secret: this user cannot use");
    let with = |secret: &str| {
        let output = place.command(&["check", "--online"]).env("TOOLS_SECRET", secret).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").0, Some(0));
    let (code, said) = with("hunter2");
    assert!(code == Some(1) && said.contains("begins with whsec_") && !said.contains("hunter2"), "{said}");
}

#[test]
fn an_empty_book_and_a_log_level_that_is_none_are_named() {
    let place = Place::new();
    place.write("clients.toml", "");
    let answer = place.call(&["check"]);
    answer.has(0, "0 clients", "holds no client: nobody is told anything");
    assert!(answer.err.contains("the playbook has no entries"), "{}", answer.err);
    let said = |level: &str| {
        let output = place.command(&["cases"]).env("CANDOR_LOG", level).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("verbose").contains("$CANDOR_LOG is \"verbose\", which is no level"));
    assert!(!said("").contains("CANDOR_LOG"));
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    let place = Place::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.command(&["check"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(place.command(&["check"]).stdout(writer).output().unwrap().status.code(), Some(0));
}

#[test]
fn a_sender_s_language_without_words_is_a_mistake_and_the_languages_are_named() {
    let place = Place::new();
    let config = std::fs::read_to_string(place.path("candor.toml")).unwrap();
    let speaking =
        |locale: &str| config.replace("email = \"incidents", &format!("locale = \"{locale}\"\nemail = \"incidents"));
    for known in ["en", "de", "de-AT", "EN-gb"] {
        place.write("candor.toml", &speaking(known));
        place.call(&["check"]).has(0, "good", "");
    }
    place.write("candor.toml", &speaking("xx"));
    for call in [&["check"][..], &["run"], &["preview"]] {
        let answer = place.call(call);
        answer.has(2, "", "candor.toml:7:10");
        for part in ["sender.locale", "no language pack \"xx\"; there are de, en", "words.toml"] {
            assert!(answer.err.contains(part), "{call:?} lacks {part:?}:\n{}", answer.err);
        }
    }
    std::fs::create_dir_all(place.path("templates/xx")).unwrap();
    place.write("templates/xx/words.toml", include_str!("../../config/templates/en/words.toml"));
    place.call(&["check"]).has(0, "good", "");
}
