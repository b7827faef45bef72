//! What signs, what is let in, and what is turned away: also against the vectors of Standard Webhooks.

use super::*;

const FIRST: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const SECOND: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT: i64 = 1614265330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const OTHER_KEYS: &str = "v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44=";

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::parse(text).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn the_published_vectors_sign_and_verify() {
    let check = |key: &str, id: &str, seconds: i64, body: &[u8], expected: &str| {
        assert_eq!(sign(&secret(key), id, seconds, body), expected);
        assert_eq!(verify(&[secret(key)], id, &seconds.to_string(), expected, body, at(seconds)), Ok(()));
    };
    check(
        FIRST,
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1649367553,
        br#"{"email":"test@example.com","username":"test_user"}"#,
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    );
    check(SECOND, ID, AT, BODY, GOOD);
    check(SECOND, ID, AT, b"", "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A=");
    check(SECOND, ID, AT, "{\"t\":\"é😀\"}".as_bytes(), "v1,BKcBjNn+5ilU9xw5VV1BUfjOLAnqNoaDOOo1DBjAmTA=");
    check(SECOND, ID, AT, b"{\"t\":1}\n", "v1,z2ZVnnCQJVfYGXq3E1DYv63mcMpNneQ479F09U+JUvQ=");
    check(SECOND, ID, AT, b"\xff\xfe", "v1,dnDi5GZ3Te6lvRJ+A/l7mt41DfmU9c0vC3pjxJYxUg8=");
    check(FIRST, ID, AT, BODY, OTHER_KEYS);
}

#[test]
fn a_right_signature_is_found_wherever_it_stands() {
    let check = |keys: &[&str], header: &str, skew: i64| {
        let secrets: Vec<_> = keys.iter().map(|key| secret(key)).collect();
        assert_eq!(verify(&secrets, ID, &AT.to_string(), header, BODY, at(AT + skew)), Ok(()), "{header}");
    };
    check(&[SECOND], GOOD, 0);
    check(&[SECOND], GOOD, 299);
    check(&[SECOND], GOOD, -299);
    check(&[SECOND], GOOD, 300);
    check(&[SECOND], GOOD, -300);
    check(&[FIRST, SECOND], GOOD, 0);
    check(&[SECOND, FIRST], GOOD, 0);
    check(&[FIRST, SECOND], OTHER_KEYS, 0);
    check(&[SECOND], &format!("{OTHER_KEYS} {GOOD}"), 0);
    check(&[SECOND], &format!("{GOOD} {OTHER_KEYS}"), 0);
    check(&[SECOND], &format!("v1a,abc v2,xyz {GOOD} "), 0);
    check(&[SECOND], &format!(" {GOOD}"), 0);
    check(&[SECOND], &format!("{}{GOOD}", "v1,x ".repeat(800)), 0);
}

fn refused(id: &str, timestamp: &str, header: &str, body: &[u8], now: i64) -> Rejection {
    let outcome = verify(&[secret(SECOND)], id, timestamp, header, body, at(now));
    outcome.expect_err(&format!("{id:.40} {timestamp} {header:.80} must be refused"))
}

#[test]
fn no_other_signature_matches() {
    let right = GOOD.strip_prefix("v1,").unwrap();
    let raw = BASE64.decode(right.as_bytes()).unwrap();
    let headers = [
        String::new(),
        " ".to_owned(),
        "v1".to_owned(),
        "v1,".to_owned(),
        "v1,=".to_owned(),
        ",".to_owned(),
        right.to_owned(),
        format!("v2,{right}"),
        format!("v1a,{right}"),
        format!("V1,{right}"),
        format!("v1:{right}"),
        format!("v1={right}"),
        format!("v1, {right}"),
        format!("v1,{}", right.trim_end_matches('=')),
        format!("v1,{right}="),
        format!("v1,{}", right.replace('+', "-").replace('/', "_")),
        format!("v1,{}", right.to_lowercase()),
        format!("v1,{}", data_encoding::HEXLOWER.encode(&raw)),
        format!("v1,{}", BASE64.encode(&raw[..31])),
        format!("v1,{}", BASE64.encode(&[&raw[..], &[0]].concat())),
        format!("v1,{}A{}", &right[..20], &right[21..]),
        format!("v1,{right}\u{0}"),
        format!("v1,{right},v1,x"),
        format!("v1,x,{GOOD}"),
        format!("v1,x\t{GOOD}"),
        format!("v1,x;{GOOD}"),
        format!("\"{GOOD}\""),
        OTHER_KEYS.to_owned(),
        format!("{OTHER_KEYS} {OTHER_KEYS}"),
        "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A=".to_owned(),
    ];
    for header in &headers {
        assert_eq!(refused(ID, &AT.to_string(), header, BODY, AT), Rejection::NoMatch, "{header:?}");
    }
}

#[test]
fn a_header_of_ten_thousand_signatures_is_refused_unread() {
    let header = format!("{}{GOOD}", "v1,x ".repeat(10_000));
    assert_eq!(refused(ID, &AT.to_string(), &header, BODY, AT), Rejection::SignatureHeader);
}

#[test]
fn a_changed_body_does_not_verify() {
    let bodies: [&[u8]; 7] = [
        br#"{"test":2432232314}"#,
        br#"{"test": 2432232314.0}"#,
        br#"{"test": 2432232315}"#,
        b"{\"test\": 2432232314}\n",
        b"\xef\xbb\xbf{\"test\": 2432232314}",
        b"{\"test\": 243223231",
        b"",
    ];
    for body in bodies {
        assert_eq!(refused(ID, &AT.to_string(), GOOD, body, AT), Rejection::NoMatch);
    }
}

#[test]
fn a_timestamp_is_plain_seconds_near_now() {
    let check = |timestamp: &str, now: i64, expected: Rejection| {
        assert_eq!(refused(ID, timestamp, GOOD, BODY, now), expected, "{timestamp:?}");
    };
    check("1614265330", AT + 301, Rejection::TooOld);
    check("1614265330", AT - 301, Rejection::TooNew);
    check("0", AT, Rejection::TooOld);
    check("999999999999", AT, Rejection::TooNew);
    check("1614265331", AT, Rejection::NoMatch);
    for odd in [
        "",
        "-1",
        "+1614265330",
        " 1614265330",
        "1614265330 ",
        "01614265330",
        "1614265330.0",
        "1614265330.5",
        "1e9",
        "1e99",
        "0x10",
        "9223372036854775808",
        "18446744073709551616",
        "1614265330000000000000",
        "١٦١٤٢٦٥٣٣٠",
        "1,614,265,330",
        "2021-02-25T15:02:10Z",
        "NaN",
    ] {
        check(odd, AT, Rejection::Timestamp);
    }
}

#[test]
fn an_id_that_could_hide_a_part_of_the_body_is_refused() {
    let long = "m".repeat(10_000);
    for odd in ["", "a.b", ".", "a b", "a\nb", "a\u{0}", "é", &long] {
        assert_eq!(refused(odd, &AT.to_string(), GOOD, BODY, AT), Rejection::Id, "{odd:.20?}");
    }
    assert_eq!(refused("msg_other", &AT.to_string(), GOOD, BODY, AT), Rejection::NoMatch);
    assert_eq!(refused(&ID.to_lowercase(), &AT.to_string(), GOOD, BODY, AT), Rejection::NoMatch);

    // What was signed as (id, timestamp, "2.rest") must not pass as ("id.timestamp", "2", "rest").
    let genuine = sign(&secret(SECOND), "a", AT, format!("{AT}.rest").as_bytes());
    let shifted = verify(&[secret(SECOND)], &format!("a.{AT}"), &AT.to_string(), &genuine, b"rest", at(AT));
    assert_eq!(shifted, Err(Rejection::Id));
}

#[test]
fn without_a_secret_nothing_verifies() {
    assert_eq!(verify(&[], ID, &AT.to_string(), GOOD, BODY, at(AT)), Err(Rejection::NoMatch));
    assert_eq!(verify(&[secret(FIRST)], ID, &AT.to_string(), GOOD, BODY, at(AT)), Err(Rejection::NoMatch));
}

#[test]
fn every_single_bit_of_a_signature_counts() {
    let raw = BASE64.decode(&GOOD.as_bytes()[3..]).unwrap();
    for bit in 0..raw.len() * 8 {
        let mut changed = raw.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let header = format!("v1,{}", BASE64.encode(&changed));
        assert_eq!(refused(ID, &AT.to_string(), &header, BODY, AT), Rejection::NoMatch);
    }
}

#[test]
fn a_secret_is_read_strictly_and_named_clearly() {
    let check = |text: &str, expected: Result<(), SecretFault>| {
        assert_eq!(WebhookSecret::parse(text).map(drop), expected, "{text:?}");
    };
    let of = |bytes: usize| format!("whsec_{}", BASE64.encode(&vec![7; bytes]));
    check(SECOND, Ok(()));
    check(&format!("{SECOND}\r\n"), Ok(()));
    check(&of(24), Ok(()));
    check(&of(32), Ok(()));
    check(of(32).trim_end_matches('='), Ok(()));
    check(&of(64), Ok(()));
    check(&of(23), Err(SecretFault::Length(23)));
    check(&of(8), Err(SecretFault::Length(8)));
    check(&of(65), Err(SecretFault::Length(65)));
    check("whsec_", Err(SecretFault::Length(0)));
    check("", Err(SecretFault::NoPrefix));
    check("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Err(SecretFault::NoPrefix));
    check("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Err(SecretFault::NoPrefix));
    check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", Err(SecretFault::NotBase64));
    check("whsec_MfKQ9r8GKYqrTwjU PD8ILPZIo2LaLaSw", Err(SecretFault::NotBase64));
    check("whsec_====", Err(SecretFault::NotBase64));
}

#[test]
fn a_secret_survives_being_written_down_and_shows_itself_nowhere_else() {
    assert_eq!(secret(SECOND).to_text(), SECOND);
    assert!(!format!("{:?}", secret(SECOND)).contains("MfKQ"));
    let fault = WebhookSecret::parse("whsec_topsecret!").unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("topsecret"));
}

#[test]
fn a_derived_secret_is_stable_and_belongs_to_one_address_of_one_client() {
    let base = derive(b"key", "acme", "https://acme.example/h").to_text();
    assert_eq!(base, "whsec_iprrW6N86CcaoUo/AFquVISKXvy7bQn77KSNlB0ISbU=", "clients hold it: it never changes");
    assert_eq!(derive(b"key", "acme", "https://acme.example/h").to_text(), base);
    assert!(WebhookSecret::parse(&base).is_ok());
    for (key, client, address) in [
        (&b"kez"[..], "acme", "https://acme.example/h"),
        (b"key", "acmf", "https://acme.example/h"),
        (b"key", "acme", "https://acme.example/i"),
        (b"key", "acmeh", "ttps://acme.example/h"),
    ] {
        assert_ne!(derive(key, client, address).to_text(), base);
    }
}
