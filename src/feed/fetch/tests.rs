use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap as RequestHeaders;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const CAP: usize = 1 << 20;

fn client() -> FeedClient {
    let short = Duration::from_millis(700);
    FeedClient::new(Limits { connect: short, total: short, decoded_bytes: CAP })
}

fn now() -> Timestamp {
    "2026-11-23T13:20:00Z".parse().unwrap()
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    Hold,
}

/// A server that answers every connection with `answer` and then closes it, or holds it open for good.
async fn serve_bytes(answer: Vec<u8>, then: Then) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&answer).await;
            let _ = stream.flush().await;
            if then == Then::Hold {
                held.push(stream);
            }
        }
    });
    address
}

fn url(address: SocketAddr, path: &str) -> Url {
    Url::parse(&format!("http://{address}{path}")).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `mebibytes` of zeros as gzip: one compressed, fully flushed block again and again, without an end.
fn gzip_bomb(mebibytes: usize) -> Vec<u8> {
    let mut encoder = flate2::Compress::new(flate2::Compression::fast(), false);
    let mut block = Vec::with_capacity(64 << 10);
    encoder.compress_vec(&vec![0; 1 << 20], &mut block, flate2::FlushCompress::Full).unwrap();
    assert_eq!(encoder.total_in(), 1 << 20);
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    bomb.extend(block.repeat(mebibytes));
    bomb
}

async fn refusal(address: SocketAddr, path: &str) -> (Cause, Option<Duration>) {
    match client().get(&url(address, path), &Validators::default(), now()).await {
        Fetched::Refused { cause, retry_after } => (cause, retry_after),
        fetched => panic!("{path}: {fetched:?}"),
    }
}

#[tokio::test]
async fn a_version_that_still_holds_is_not_sent_again() {
    async fn document(headers: RequestHeaders) -> axum::response::Response {
        assert!(headers["user-agent"].to_str().unwrap().starts_with("candor/"));
        assert_eq!(headers["accept-encoding"], "gzip");
        let same = headers.get("if-none-match").is_some_and(|tag| tag == "W/\"1\"");
        let dated = headers.get("if-modified-since").is_some_and(|date| date == "Mon, 23 Nov 2026 13:00:00 GMT");
        if same && dated {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        let headers = [("etag", "W/\"1\""), ("last-modified", "Mon, 23 Nov 2026 13:00:00 GMT")];
        (headers, "{}").into_response()
    }
    let address = serve(Router::new().route("/", get(document))).await;
    let client = client();
    let first = client.get(&url(address, "/"), &Validators::default(), now()).await;
    let Fetched::Fresh { body, validators } = first else { panic!("{first:?}") };
    assert_eq!(body, b"{}");
    assert_eq!(client.get(&url(address, "/"), &validators, now()).await, Fetched::Unchanged);
}

#[tokio::test]
async fn gzip_is_decoded_and_a_bomb_is_given_up_early() {
    let documents: Arc<HashMap<&str, Vec<u8>>> = Arc::new(HashMap::from([
        ("fits", gzip(&vec![b' '; CAP])),
        ("members", [gzip(&vec![b' '; CAP / 2]), gzip(&vec![b' '; CAP / 2])].concat()),
        ("above", gzip(&vec![b' '; CAP + 1])),
        ("bomb", gzip_bomb(300)),
        ("cut", gzip(&vec![b' '; CAP])[..200].to_vec()),
        ("liar", b"not gzip at all".to_vec()),
    ]));
    let document = move |Path(name): Path<String>| {
        let documents = documents.clone();
        async move { ([("content-encoding", "gzip")], documents[name.as_str()].clone()) }
    };
    let address = serve(Router::new().route("/{name}", get(document))).await;

    for path in ["/fits", "/members"] {
        let fits = client().get(&url(address, path), &Validators::default(), now()).await;
        assert!(matches!(fits, Fetched::Fresh { body, .. } if body.len() == CAP), "{path}");
    }
    for path in ["/above", "/bomb"] {
        let (Cause::TooLarge { limit, read }, None) = refusal(address, path).await else { panic!("{path}") };
        assert_eq!(limit, CAP);
        assert!(read < CAP + (1 << 20), "{path}: {read} bytes were decoded");
    }
    for path in ["/cut", "/liar"] {
        assert!(matches!(refusal(address, path).await, (Cause::BrokenBody(_), None)), "{path}");
    }
}

#[tokio::test]
async fn a_large_plain_body_is_given_up_too() {
    let document = || async { vec![b' '; 3 * CAP] };
    let address = serve(Router::new().route("/", get(document))).await;
    assert!(matches!(refusal(address, "/").await, (Cause::TooLarge { .. }, None)));
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_host_only() {
    async fn to(location: String) -> impl IntoResponse {
        (StatusCode::FOUND, [("location", location)])
    }
    let elsewhere = serve(Router::new().route("/", get(|| async { "elsewhere" }))).await;
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/relative", get(|| to("/".to_owned())))
        .route("/loop", get(|| to("/loop".to_owned())))
        .route("/host", get(|| to("http://localhost/".to_owned())))
        .route("/port", get(move || to(format!("http://{elsewhere}/"))))
        .route("/five", get(|| to("/4".to_owned())))
        .route("/six", get(|| to("/5".to_owned())))
        .route("/{left}", get(|Path(left): Path<u8>| to(if left > 1 { format!("/{}", left - 1) } else { "/".into() })));
    let address = serve(router).await;
    for path in ["/relative", "/five"] {
        let fetched = client().get(&url(address, path), &Validators::default(), now()).await;
        assert!(matches!(&fetched, Fetched::Fresh { body, .. } if body == b"here"), "{path}: {fetched:?}");
    }
    for path in ["/loop", "/host", "/port", "/six"] {
        assert_eq!(refusal(address, path).await, (Cause::RedirectRefused(302), None), "{path}");
    }
}

#[test]
fn a_redirect_stays_when_the_server_is_the_same() {
    for (from, to, expected) in [
        ("https://a.example/x", "https://a.example/y", true),
        ("http://a.example/x", "https://a.example/x", true),
        ("https://a.example/x", "http://a.example/x", false),
        ("https://a.example/x", "https://b.example/x", false),
        ("https://a.example/x", "https://a.example:8443/x", false),
        ("http://a.example:80/x", "http://a.example/x", true),
        ("http://a.example:8080/x", "https://a.example:8080/x", false),
        ("https://a.example/x", "https://user:secret@a.example/x", false),
        ("https://a.example/x", "ftp://a.example/x", false),
    ] {
        assert_eq!(stays(&Url::parse(from).unwrap(), &Url::parse(to).unwrap()), expected, "{from} -> {to}");
    }
}

#[tokio::test]
async fn every_other_status_is_a_cause_and_the_pause_is_obeyed() {
    async fn answer(Path((status, pause)): Path<(u16, String)>) -> impl IntoResponse {
        (StatusCode::from_u16(status).unwrap(), [("retry-after", pause)], "words")
    }
    let address = serve(Router::new().route("/{status}/{pause}", get(answer))).await;
    for (path, cause, pause) in [
        ("/503/120", Cause::Status(503), Some(120)),
        ("/429/Mon, 23 Nov 2026 13:21:30 GMT", Cause::Status(429), Some(90)),
        ("/429/Mon, 23 Nov 2026 13:00:00 GMT", Cause::Status(429), Some(0)),
        ("/503/999999999999", Cause::Status(503), Some(3_600)),
        ("/500/soon", Cause::Status(500), None),
        ("/404/-5", Cause::Status(404), None),
        ("/204/1", Cause::Status(204), Some(1)),
        ("/206/1", Cause::Status(206), Some(1)),
        ("/304/1", Cause::Status(304), Some(1)),
        ("/301/1", Cause::RedirectRefused(301), Some(1)),
    ] {
        assert_eq!(refusal(address, path).await, (cause, pause.map(Duration::from_secs)), "{path}");
    }
    assert_eq!(client().status(&url(address, "/410/1")).await, Ok(410));
}

#[tokio::test]
async fn slow_and_broken_servers_cost_one_read() {
    let silent = serve_bytes(Vec::new(), Then::Hold).await;
    assert_eq!(refusal(silent, "/").await, (Cause::TimedOut, None));
    let stalled = serve_bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec(), Then::Hold).await;
    assert_eq!(refusal(stalled, "/").await, (Cause::TimedOut, None));
    let short = serve_bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec(), Then::Close).await;
    assert!(matches!(refusal(short, "/").await, (Cause::BrokenBody(_), None)));
    let noise = serve_bytes(b"220 mail.example ESMTP\r\n".to_vec(), Then::Close).await;
    assert!(matches!(refusal(noise, "/").await, (Cause::Unreachable(_), None)));
}

#[tokio::test]
async fn a_cause_never_quotes_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = Url::parse(&format!("http://user:topsecret@127.0.0.1:{port}/hidden")).unwrap();
    let fetched = client().get(&url, &Validators::default(), now()).await;
    let Fetched::Refused { cause: Cause::Unreachable(words), .. } = &fetched else { panic!("{fetched:?}") };
    for part in ["topsecret", "user", "hidden"] {
        assert!(!words.contains(part), "{words}");
    }
}

#[test]
fn jitter_moves_a_poll_by_at_most_a_tenth_and_repeats_itself() {
    let every = Duration::from_secs(30);
    let waits: Vec<Duration> = (0..1_000).map(|tick| jittered(every, "platform", tick)).collect();
    assert!(waits.iter().all(|wait| (27_000..=33_000).contains(&wait.as_millis())));
    assert!(waits.iter().any(|wait| wait.as_millis() < 28_000) && waits.iter().any(|wait| wait.as_millis() > 32_000));
    assert_eq!(waits[7], jittered(every, "platform", 7));
    assert_ne!(waits[7], jittered(every, "other", 7));
}
