//! Whole messages, read as a client reads them.

use std::collections::BTreeMap;

use super::*;
use crate::domain::incident::{Impact, Need};
use crate::domain::notice::{Action, Affected, Guidance, Kind};
use crate::render::pack_file::BUILTIN_LOCALES;
use crate::render::samples::{every_reason, reader, sender};
use crate::render::webhook_json::{self, WebhookInput};

fn builtin() -> Words {
    Words::new(Templates::builtin(), SubjectForm::Standing)
}

fn overridden(file: &str, content: &str) -> Words {
    let files = BTreeMap::from([(file.to_owned(), content.to_owned())]);
    Words::new(Templates::load(&files).unwrap(), SubjectForm::Standing)
}

fn sample(name: &str) -> Notice {
    every_reason().into_iter().find(|(known, _)| *known == name).unwrap().1
}

fn mail(name: &str, locale: &str) -> MailWords {
    builtin().render(&sample(name), &reader(locale), &sender()).unwrap()
}

#[test]
fn every_message_reads_as_its_snapshot() {
    let words = builtin();
    for locale in BUILTIN_LOCALES {
        let mut all = String::new();
        for (name, notice) in every_reason() {
            let mail = words.render(&notice, &reader(locale), &sender()).unwrap();
            all.push_str(&format!("=== {name}\nSubject: {}\n\n{}\n", mail.subject, mail.text));
        }
        insta::assert_snapshot!(format!("mails_{locale}"), all);
    }
}

#[test]
fn every_page_of_a_mail_reads_as_its_snapshot() {
    let words = builtin();
    for locale in BUILTIN_LOCALES {
        let mut all = String::new();
        for (name, notice) in every_reason() {
            let html = words.render(&notice, &reader(locale), &sender()).unwrap().html;
            // The head is the same in all of them.
            let body = html.split_once("<body").map_or(html.as_str(), |(_, body)| body);
            all.push_str(&format!("=== {name}\n<body{body}\n"));
        }
        insta::assert_snapshot!(format!("pages_{locale}"), all);
    }
    insta::assert_snapshot!("html_action_required_en", mail("action required", "en").html);
}

#[test]
fn every_webhook_reads_as_its_snapshot() {
    let words = builtin();
    let mut all = String::new();
    for (name, notice) in every_reason() {
        let parts = words.parts(&notice, "en", "Europe/Berlin", &sender());
        let body = webhook_json::write(&WebhookInput {
            notice: &notice,
            client: "acme",
            summary: &parts.summary,
            what_happened: &parts.what_happened,
            current_status: &parts.current_status,
        });
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        all.push_str(&format!("=== {name}\n{}\n", serde_json::to_string_pretty(&value).unwrap()));
    }
    insta::assert_snapshot!("webhooks_en", all);
}

#[test]
fn a_fault_that_shows_in_one_phase_of_one_reason_is_found() {
    for phase in ["monitoring", "identified", "verifying"] {
        let text = format!("{{% if case.phase == \"{phase}\" %}}{{{{ nope }}}}{{% endif %}}");
        assert_eq!(overridden("mail.txt", &text).check(&sender()).len(), 1, "{phase}");
    }
}

#[test]
fn every_message_has_its_three_headings_in_text_and_html() {
    for (locale, first, ahead, rest) in [
        ("en", "What happened", "What will happen", ["Current status", "What you need to do"]),
        ("de", "Was passiert ist", "Was geplant ist", ["Aktueller Stand", "Was Sie tun müssen"]),
    ] {
        for (name, notice) in every_reason() {
            let mail = builtin().render(&notice, &reader(locale), &sender()).unwrap();
            for heading in rest {
                assert!(mail.text.contains(&format!("\n\n{heading}\n")), "{name} {locale} {heading}");
                assert!(mail.html.contains(&format!(">{heading}</h2>")), "{name} {locale} {heading}");
            }
            let has = |heading: &str| mail.text.contains(&format!("\n\n{heading}\n"));
            assert!(has(first) != has(ahead), "{name} {locale}");
        }
    }
}

#[test]
fn no_message_leaves_a_place_open_or_a_line_too_wide() {
    for locale in BUILTIN_LOCALES {
        for (name, notice) in every_reason() {
            let mail = builtin().render(&notice, &reader(locale), &sender()).unwrap();
            assert!(!mail.subject.contains(['\n', '\r']), "{name}");
            assert!(![&mail.subject, &mail.text, &mail.html].iter().any(|part| part.contains(NAME_PLACE)), "{name}");
            assert!(name == "hostile" || !format!("{}{}", mail.subject, mail.text).contains('{'), "{name} {locale}");
            for line in mail.text.lines() {
                assert!(line.chars().count() <= WIDTH, "{name} {locale}: {line}");
                assert_eq!(line, line.trim_end(), "{name} {locale}");
                assert!(!line.contains("  .") && !line.contains(".."), "{name} {locale}: {line}");
            }
            assert!(!mail.text.contains("\n\n\n"), "{name} {locale}");
            assert!(mail.html.len() < 20_000, "{name}: {}", mail.html.len());
        }
    }
}

#[test]
fn the_two_kinds_of_nothing_never_look_alike() {
    for locale in BUILTIN_LOCALES {
        let known = mail("opened, nothing to do", locale).text;
        let unknown = mail("opened, nothing known", locale).text;
        assert_ne!(known.lines().next(), unknown.lines().next());
        let last_part = |text: &str| text.split("\n\n").nth(3).unwrap().to_owned();
        assert_ne!(last_part(&known), last_part(&unknown));
    }
    assert!(mail("opened, nothing known", "en").text.contains("\nWe know of nothing you can do yet.\n"));
}

#[test]
fn a_client_who_named_no_order_is_told_no_priority() {
    for (locale, first_line, word) in [
        ("en", "STARTED: Payments API and Search. ", "priority"),
        ("de", "STÖRUNG: Payments API und Search. ", "Priorität"),
    ] {
        let mail = mail("opened, no order of priorities", locale);
        assert!(mail.text.starts_with(first_line), "{}", mail.text);
        assert!(!mail.text.contains(word) && !mail.html.contains(word), "{}", mail.text);
    }
}

#[test]
fn what_a_client_gave_no_rank_is_told_without_one() {
    let summary = |concerned: &[(u32, &str)]| {
        let concerned = concerned.iter().map(|(rank, name)| (*rank, (*name).to_owned())).collect();
        let notice = Notice { concerned, ..sample("opened, no order of priorities") };
        let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
        mail.text.lines().next().unwrap_or_default().to_owned()
    };
    assert!(summary(&[(1, "Payments API"), (0, "Search")]).contains("Payments API (your priority 1) and Search."));
    let found = summary(&[(0, "Search"), (0, "Mail")]);
    assert!(found.contains("Search and Mail.") && !found.contains("priority"), "{found}");
}

#[test]
fn feed_text_is_data_and_never_template_markup_or_header() {
    let mail = mail("hostile", "en");
    assert!(mail.text.contains("{{ 7 * 7 }}"), "{}", mail.text);
    assert!(mail.subject.starts_with("{{ sender }} Bcc: all@example.com (Example Platform K7QM)"));
    assert!(!mail.html.contains("<script") && !mail.html.contains("<b>") && !mail.html.contains("<i>"));
    assert!(!mail.html.contains("<a href=\"javascript"));
    assert_eq!(mail.text.matches("Acme GmbH").count(), 1);
}

#[test]
fn a_quotation_cannot_pass_for_a_part_of_ours() {
    let mut notice = sample("phase");
    notice.case.updates[0].body = "News.\n\nWhat you need to do\n\nSend us your password.\n\n--".to_owned();
    let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
    assert_eq!(mail.text.matches("\nWhat you need to do\n").count(), 1, "{}", mail.text);
    assert_eq!(mail.text.matches("\n--\n").count(), 1, "{}", mail.text);
}

#[test]
fn a_clients_name_is_escaped_in_html_and_folded_in_text() {
    let shared = builtin().render_shared(&sample("phase"), "en", "Europe/Berlin", &sender()).unwrap();
    let long = format!("Müller & Söhne <{}>", "Handel ".repeat(12));
    let mail = shared.fill(&long);
    assert!(mail.html.contains("Müller &amp; Söhne &lt;Handel"));
    assert!(mail.text.lines().all(|line| line.chars().count() <= WIDTH));
    assert!(!shared.fill("A\r\nBcc: x").text.contains("\nBcc"));
}

#[test]
fn only_the_name_tells_two_readers_apart() {
    let shared = builtin().render_shared(&sample("phase"), "en", "Europe/Berlin", &sender()).unwrap();
    let reader = Reader { name: "Other".to_owned(), ..reader("en") };
    assert_eq!(shared.fill("Other"), builtin().render(&sample("phase"), &reader, &sender()).unwrap());
}

#[test]
fn subjects_stand_out_only_where_the_reader_must_look() {
    let rows = [
        ("phase", "Payments fail in the EU (Example Platform K7QM)"),
        ("action required", "Action needed by 22:00 CET: Payments fail in the EU (Example Platform K7QM)"),
        ("resolved", "Resolved: Payments fail in the EU (Example Platform K7QM)"),
        ("maintenance moved", "Moved to Wed 25 Nov, 22:00 CET: Search: the index moves (Example Platform M3TD)"),
        ("maintenance completed", "Search: the index moves (Example Platform M3TD)"),
        (
            "resolved within a minute, its title in brackets",
            "Resolved: (EU) Payments fail (major) (Example Platform K7QM)",
        ),
        ("drill", "DRILL: Payments fail in the EU (Example Platform K7QM)"),
    ];
    for (name, expected) in rows {
        assert_eq!(mail(name, "en").subject, expected);
    }
    let constant = Words::new(Templates::builtin(), SubjectForm::Constant);
    let mail = constant.render(&sample("resolved"), &reader("en"), &sender()).unwrap();
    assert_eq!(mail.subject, "Payments fail in the EU (Example Platform K7QM)");
}

#[test]
fn a_sender_answers_in_the_readers_language_or_is_not_quoted() {
    let check = |written: &str, locale: &str, expected: &str| {
        let sender = Sender { answered: Some(written.to_owned()), ..sender() };
        let text = builtin().render(&sample("phase"), &reader(locale), &sender).unwrap().text;
        assert!(text.replace('\n', " ").contains(expected), "{written} {locale}: {text}");
    };
    check("day and night", "en", "a person reads it, day and night. By telephone: +49 30");
    check("Day and Night", "de", "ein Mensch liest es (Tag und Nacht). Telefon");
    check("Mon to Fri, 9 to 17", "en", "a person reads it, Mon to Fri, 9 to 17. By telephone");
    check("Mon to Fri, 9 to 17", "de", "ein Mensch liest es. Telefon");
}

#[test]
fn a_page_of_ours_is_a_link_under_no_other_words_than_its_address() {
    let html = mail("action required", "en").html;
    let link = "Pausing exports: <a href=\"https://docs.example.com/exports?do=pause\">https://docs.example.com/exports?do=pause</a>";
    assert!(html.contains(link), "{html}");
    assert_eq!(html.matches("<a ").count(), 1, "{html}");
    let mut notice = sample("action required");
    notice.guidance.actions[0].resources[0].url = "javascript:alert(1)".to_owned();
    let html = builtin().render(&notice, &reader("en"), &sender()).unwrap().html;
    assert!(!html.contains("<a ") && html.contains("Pausing exports: javascript:alert(1)"), "{html}");
}

#[test]
fn a_promise_that_is_past_is_never_printed() {
    let past = Notice { next_word: Some(sample("phase").now), ..sample("phase") };
    let mail = builtin().render(&past, &reader("en"), &sender()).unwrap();
    assert!(mail.text.contains("Next word when there is news."), "{}", mail.text);
}

#[test]
fn we_are_sorry_stands_at_the_end_of_a_grave_case_and_nowhere_else() {
    for (name, notice) in every_reason() {
        let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
        let is_grave = matches!(notice.case.impact, Some(Impact::Major | Impact::Critical));
        let is_theirs = notice.affected == Affected::Confirmed;
        let expected = usize::from(notice.reason == Kind::Resolved && is_grave && is_theirs);
        assert_eq!(mail.text.matches("We are sorry.").count(), expected, "{name}");
    }
}

#[test]
fn a_supplier_is_named_and_we_are_not_it() {
    for name in ["supplier, opened", "supplier, corrected", "supplier, withdrawn"] {
        let text = mail(name, "en").text;
        assert!(text.contains("GitHub"), "{name}");
        assert!(!text.contains("We are looking") && !text.contains("Our "), "{name}: {text}");
    }
}

#[test]
fn a_very_long_text_is_cut_and_says_so() {
    let mut notice = sample("updated");
    notice.case.updates[0].body = "All of the words that were written. ".repeat(2_000);
    let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
    assert!(mail.text.contains("(shortened; the whole text: https://status.example.com/incidents/1)"));
    assert!(mail.html.contains("(shortened;") && mail.text.len() < 6_000);
}

#[test]
fn many_long_texts_stay_below_the_limit() {
    let mut notice = sample("updated");
    let update = notice.case.updates[0].clone();
    let body = "<p>&amp; \"'</p>".repeat(900);
    let numbered =
        (0..40).map(|n| crate::domain::notice::Words { id: n.to_string(), body: body.clone(), ..update.clone() });
    notice.case.updates = numbered.collect();
    let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
    assert!(mail.html.len() < 100_000, "{}", mail.html.len());
    assert!(mail.text.contains(" earlier updates are left out here."), "{}", mail.text);
}

#[test]
fn an_overriding_template_that_fails_is_named_and_the_built_in_one_renders() {
    let rows = [
        ("mail.txt", "{{ line1 }}\n  {{ nosuch }}", "the template mail.txt:2:6: undefined value"),
        ("de/mail.txt", "{{ 1 / 0 }}", "the template de/mail.txt:1:4: "),
        (
            "mail.html",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "the template mail.html: works too long",
        ),
        ("subject.txt", "{{ 'x' * 200000 }}", "the template subject.txt: writes more than 100000 bytes"),
    ];
    for (file, content, expected) in rows {
        let words = overridden(file, content);
        let (notice, reader) = (sample("phase"), reader("de"));
        let error = words.render(&notice, &reader, &sender()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(words.render_builtin(&notice, &reader, &sender()).unwrap(), mail("phase", "de"));
        assert_eq!(words.check(&sender()).len(), 1, "{:?}", words.check(&sender()));
    }
    assert!(builtin().check(&sender()).is_empty());
}

#[test]
fn a_template_of_a_language_wins_over_the_shared_one() {
    let files = BTreeMap::from([
        ("subject.txt".to_owned(), "all: {{ subject }}".to_owned()),
        ("de/subject.txt".to_owned(), "de: {{ client.name }}".to_owned()),
    ]);
    let words = Words::new(Templates::load(&files).unwrap(), SubjectForm::Standing);
    let subject = |locale| words.render(&sample("phase"), &reader(locale), &sender()).unwrap().subject;
    assert_eq!(subject("de-AT"), "de: Acme GmbH");
    assert!(subject("en").starts_with("all: Payments fail"));
}

#[test]
fn the_plain_parts_are_those_of_the_mail() {
    let parts = builtin().parts(&sample("worse without a reason"), "en", "UTC", &sender());
    assert!(parts.summary.starts_with("WORSE: Payments API, your priority 1."), "{}", parts.summary);
    assert!(parts.current_status.contains("No reason is given yet."), "{}", parts.current_status);
    assert_eq!(parts.what_you_need_to_do, "We know of nothing you can do yet.");
    assert_eq!(parts.what_happened, "Payments fail in the EU, since 13:05 UTC.");
}

#[test]
fn that_there_is_nothing_to_do_is_said_once() {
    let check = |texts: &[&str], locale: &str, expected: &str| {
        let mut notice = sample("updated");
        let asked = notice.guidance.actions[0].clone();
        let action = |text: &&str| {
            let id = (*text).to_owned();
            Action { id, need: Need::None, text: (*text).to_owned(), undo: None, by: None, ..asked.clone() }
        };
        notice.guidance = Guidance { known: true, actions: texts.iter().map(action).collect(), ..Guidance::unknown() };
        let text = builtin().render(&notice, &reader(locale), &sender()).unwrap().text;
        let part =
            text.split("\nWhat you need to do\n").nth(1).or(text.split("\nWas Sie tun müssen\n").nth(1)).unwrap();
        let part = part.split("\n\n").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(part, expected, "{texts:?}");
    };
    let alone = "Nothing. We will tell you if that changes.";
    check(&[], "en", alone);
    check(&["Nothing."], "en", alone);
    check(&["Nothing", "No action needed."], "en", alone);
    check(&["Nothing for you to do. We retry all charges."], "en", "Nothing for now. We retry all charges.");
    check(&["Nothing: we retry all charges."], "en", "Nothing for now. We retry all charges.");
    check(&["We retry.", "We retry."], "en", "Nothing for now. We retry.");
    check(&["Nothing is lost."], "en", "Nothing for now. Nothing is lost.");
    check(&["Nichts. Wir buchen nach."], "de", "Im Moment nichts. Wir buchen nach.");
    check(&["Es ist nichts zu tun."], "de", "Nichts. Wenn sich das ändert, sagen wir es Ihnen.");
}
