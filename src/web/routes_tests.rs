//! What each path answers, asked through the router itself.

use std::sync::Mutex;

use axum::http::{Method, Request};
use tower::ServiceExt;

use super::*;
use crate::hook::Unproven;

/// Answers by the hook's name, and remembers what it was handed.
#[derive(Default)]
struct Desk {
    taken: Mutex<Vec<HookRequest>>,
    trouble: Option<String>,
}

impl Application for Desk {
    fn admits(&self, name: &str, _token: Option<&str>) -> bool {
        name != "unknown"
    }

    async fn hook(&self, request: HookRequest) -> HookAnswer {
        let answer = match request.name.as_str() {
            "good" => HookAnswer::Accepted,
            "bad" => HookAnswer::BadBody("`incident.titel` is unknown; did you mean `title`?".to_owned()),
            "forged" => Unproven::BadSignature.into(),
            "full" => HookAnswer::Unavailable { retry_after_seconds: 30 },
            "panics" => panic!("a fault of ours"),
            _ => Unproven::NotFound.into(),
        };
        self.taken.lock().unwrap().push(request);
        answer
    }

    async fn ready(&self) -> Result<(), String> {
        self.trouble.clone().map_or(Ok(()), Err)
    }

    async fn metrics(&self) -> String {
        "# EOF\n".to_owned()
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

async fn ask(router: Router, method: Method, path: &str, body: Body) -> Answer {
    let request = Request::builder().method(method).uri(path).body(body).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status.as_u16(), headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

fn public(place: AdminPlace) -> Router {
    public_router(Arc::new(Desk::default()), place)
}

#[tokio::test]
async fn every_answer_of_a_hook_has_its_status() {
    let check = async |path: &str, status: u16, words: &str| {
        let answer = ask(public(AdminPlace::Apart), Method::POST, path, Body::from("{}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, format!("{words}\n").as_str()), "{path}");
    };
    check("/hooks/good", 202, "accepted").await;
    check("/hooks/good/token", 202, "accepted").await;
    check("/hooks/go%6fd", 202, "accepted").await;
    check("/hooks/bad", 400, "`incident.titel` is unknown; did you mean `title`?").await;
    check("/hooks/forged", 401, "not authorized").await;
    check("/hooks/none", 404, "not found").await;
    check("/hooks/none/token", 404, "not found").await;
    check("/hooks/%ff", 404, "not found").await;
    check("/hooks/good%00", 404, "not found").await;
    check("/hooks/%2e%2e", 404, "not found").await;
    check("/hooks/full", 503, "cannot be stored now").await;
    for path in ["/", "/hooks", "/hooks/", "/hooks/good/token/more", "//hooks/good", "/hooks//good/x", "/HOOKS/good"] {
        check(path, 404, "not found").await;
    }
    let answer = ask(public(AdminPlace::Apart), Method::POST, "/hooks/full", Body::empty()).await;
    assert_eq!(answer.headers[RETRY_AFTER], "30");
}

#[tokio::test]
async fn the_body_of_a_hook_that_is_not_there_is_not_read() {
    let unread = futures_util::stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, std::io::Error>>> {
        panic!("somebody reads it")
    });
    let answer = ask(public(AdminPlace::Apart), Method::POST, "/hooks/unknown", Body::from_stream(unread)).await;
    assert_eq!((answer.status, answer.body.as_str()), (404, "not found\n"));
}

#[tokio::test]
async fn what_the_application_gets_is_what_was_sent() {
    let desk = Arc::new(Desk::default());
    let request = Request::post("/hooks/good/se%20cret")
        .header("webhook-id", "e1")
        .header("webhook-id", "e2")
        .body(Body::from(&b"\xff\x00{"[..]))
        .unwrap();
    public_router(desk.clone(), AdminPlace::Apart).oneshot(request).await.unwrap();
    let taken = desk.taken.lock().unwrap();
    assert_eq!((taken[0].name.as_str(), taken[0].token.as_deref()), ("good", Some("se cret")));
    assert_eq!(taken[0].body, &b"\xff\x00{"[..]);
    assert_eq!(taken[0].headers.get_all("webhook-id").iter().count(), 2);
}

#[tokio::test]
async fn a_mebibyte_is_taken_and_a_byte_more_is_not() {
    let streamed = |length: usize| {
        let chunks = (0..length).step_by(1000).map(move |at| vec![b'x'; 1000.min(length - at)]);
        Body::from_stream(futures_util::stream::iter(chunks.map(Ok::<_, std::io::Error>)))
    };
    let whole = |length: usize| Body::from(vec![b'x'; length]);
    let endless = Body::from_stream(futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 65_536])));
    for (body, status) in [
        (whole(0), 202),
        (whole(LARGEST_BODY), 202),
        (streamed(LARGEST_BODY), 202),
        (whole(LARGEST_BODY + 1), 413),
        (streamed(LARGEST_BODY + 1), 413),
        (whole(3 * LARGEST_BODY), 413),
        (streamed(3 * LARGEST_BODY), 413),
        (endless, 413),
    ] {
        let desk = Arc::new(Desk::default());
        let router = public_router(desk.clone(), AdminPlace::Apart);
        assert_eq!(ask(router, Method::POST, "/hooks/good", body).await.status, status);
        assert_eq!(desk.taken.lock().unwrap().len(), usize::from(status == 202), "too much is never handed on");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_handed_on() {
    let desk = Arc::new(Desk::default());
    let parts = [Ok(&b"{"[..]), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))];
    let body = Body::from_stream(futures_util::stream::iter(parts));
    let answer = ask(public_router(desk.clone(), AdminPlace::Apart), Method::POST, "/hooks/good", body).await;
    assert_eq!(answer.status, 400);
    assert!(desk.taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn hooks_take_only_post_and_the_rest_only_get() {
    let check = async |method: Method, path: &str, status: u16| {
        let answer = ask(public(AdminPlace::WithPublic), method.clone(), path, Body::empty()).await;
        assert_eq!(answer.status, status, "{method} {path}");
    };
    for method in
        [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH, Method::TRACE]
    {
        check(method.clone(), "/hooks/good", 405).await;
        check(method, "/hooks/good/token", 405).await;
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        check(Method::GET, path, 200).await;
        check(Method::HEAD, path, 200).await;
        check(Method::POST, path, 405).await;
        check(Method::DELETE, path, 405).await;
    }
}

#[tokio::test]
async fn admin_paths_are_public_only_where_nobody_else_comes() {
    let tcp = Listen::Tcp(([127, 0, 0, 1], 8621).into());
    assert_eq!(AdminPlace::of(None, None), AdminPlace::WithPublic);
    assert_eq!(AdminPlace::of(Some(&tcp), None), AdminPlace::Apart);
    assert_eq!(AdminPlace::of(None, Some("https://updates.example.com")), AdminPlace::Apart);
    assert_eq!(AdminPlace::of(Some(&tcp), Some("https://updates.example.com")), AdminPlace::Apart);

    let check = async |router: Router, path: &str, status: u16| {
        assert_eq!(ask(router, Method::GET, path, Body::empty()).await.status, status, "{path}");
    };
    for path in ["/readyz", "/metrics"] {
        check(public(AdminPlace::WithPublic), path, 200).await;
        check(public(AdminPlace::Apart), path, 404).await;
        check(admin_router(Arc::new(Desk::default())), path, 200).await;
    }
    check(public(AdminPlace::Apart), "/healthz", 200).await;
    check(admin_router(Arc::new(Desk::default())), "/hooks/good", 404).await;
}

#[tokio::test]
async fn not_ready_says_why() {
    let desk = Desk { trouble: Some("the disk is full".to_owned()), ..Desk::default() };
    let answer = ask(admin_router(Arc::new(desk)), Method::GET, "/readyz", Body::empty()).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "the disk is full\n"));
}

#[tokio::test]
async fn metrics_name_their_format() {
    let answer = ask(admin_router(Arc::new(Desk::default())), Method::GET, "/metrics", Body::empty()).await;
    assert_eq!(answer.headers[CONTENT_TYPE], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(answer.body, "# EOF\n");
}

#[tokio::test]
async fn every_answer_carries_the_protecting_headers_also_after_a_panic() {
    let cases = [
        (Method::GET, "/healthz", 200),
        (Method::GET, "/metrics", 200),
        (Method::GET, "/nowhere", 404),
        (Method::GET, "/hooks/good", 405),
        (Method::POST, "/hooks/good", 202),
        (Method::POST, "/hooks/forged", 401),
        (Method::POST, "/hooks/panics", 500),
    ];
    for (method, path, status) in cases {
        let answer = ask(public(AdminPlace::WithPublic), method, path, Body::empty()).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
        assert_eq!(answer.headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(answer.headers[CONTENT_SECURITY_POLICY], "default-src 'none'; frame-ancestors 'none'");
    }
}

#[tokio::test]
async fn too_large_is_said_before_the_connection_ends() {
    use crate::web::listener::Listener;
    use crate::web::serve::{Limits, serve};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = Listener::bind(&Listen::Tcp(([127, 0, 0, 1], 0).into())).await.unwrap();
    let address = listener.place();
    let stop = tokio_util::sync::CancellationToken::new();
    let _stop_at_the_end = stop.clone().drop_guard();
    tokio::spawn(serve(listener, public(AdminPlace::Apart), Limits::default(), stop));
    let check = async |framing: String, body: Vec<u8>, status: &str| {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!("POST /hooks/good HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{framing}: {answer}");
    };
    let chunked = |length: usize| {
        let mut body = format!("{length:x}\r\n").into_bytes();
        body.resize(body.len() + length, b'x');
        body.extend_from_slice(b"\r\n0\r\n\r\n");
        body
    };
    let length = |length: usize| format!("content-length: {length}");
    let in_chunks = || "transfer-encoding: chunked".to_owned();
    check(length(LARGEST_BODY), vec![b'x'; LARGEST_BODY], "202").await;
    check(in_chunks(), chunked(LARGEST_BODY), "202").await;
    check(length(LARGEST_BODY + 1), vec![b'x'; LARGEST_BODY + 1], "413").await;
    check(in_chunks(), chunked(LARGEST_BODY + 1), "413").await;
    check(length(1_000_000_000), Vec::new(), "413").await;
    check(format!("{}\r\n{}", length(4), in_chunks()), chunked(4), "202").await; // RFC 9112 §6.3: the chunks count
    check(format!("{}\r\n{}", length(4), length(5)), vec![b'x'; 5], "400").await;
}
