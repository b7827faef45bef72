//! What slow, silent, greedy and many peers get, over real sockets.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::config::settings::Listen;

/// Far longer than any limit below: whatever has not ended by then never does.
const PATIENCE: Duration = Duration::from_secs(10);
const REQUEST: &[u8] = b"GET /alive HTTP/1.1\r\nhost: x\r\n\r\n";

fn tight() -> Limits {
    Limits {
        connections: 100,
        head: Duration::from_millis(150),
        request: Duration::from_millis(300),
        lifetime: PATIENCE,
        stop: PATIENCE,
    }
}

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    /// Holds `GET /waits` back.
    released: Arc<Notify>,
    entered: Arc<Notify>,
    task: JoinHandle<()>,
}

async fn server(limits: Limits) -> Server {
    let listener = Listener::bind(&Listen::Tcp(([127, 0, 0, 1], 0).into())).await.unwrap();
    let address = listener.place().parse().unwrap();
    let (stop, released, entered) = (CancellationToken::new(), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (hold, enter) = (released.clone(), entered.clone());
    let router = Router::new()
        .route("/alive", get(|| async { "alive" }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route(
            "/waits",
            get(move || async move {
                enter.notify_one();
                hold.notified().await;
                "done"
            }),
        );
    let task = tokio::spawn(serve(listener, router, limits, stop.clone()));
    Server { address, stop, released, entered, task }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// All that comes until the server closes. A reset counts as the end.
async fn until_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    let reading = async {
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the server must close the connection");
    text
}

/// One answer on a connection that stays open.
async fn one_answer(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.ends_with("alive") {
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

#[test]
fn a_thousand_connections_are_served_at_once_by_default() {
    let limits = Limits::default();
    assert_eq!(limits.connections, 1_000);
    assert!(limits.head + limits.request <= Duration::from_secs(20) && limits.stop < Duration::from_secs(10));
}

#[tokio::test]
async fn who_is_slow_to_ask_is_cut() {
    let server = server(tight()).await;
    let check = async |said: &[u8]| {
        let mut stream = server.connect().await;
        stream.write_all(said).await.unwrap();
        let answer = until_closed(&mut stream).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    };
    check(b"").await;
    check(b"G").await;
    check(b"GET /alive HT").await;
    check(b"GET /alive HTTP/1.1\r\nhost: x\r\nx-slow:").await;
    check(b"P").await;
    check(b"PRI * HTTP/2.0\r\n\r\nSM").await;
}

#[tokio::test]
async fn a_byte_now_and_then_does_not_prolong_the_head() {
    let server = server(tight()).await;
    let (mut reader, mut writer) = server.connect().await.into_split();
    let dribble = async {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        for byte in b"GET /alive HTTP/1.1\r\nx-slow: ".iter().chain(std::iter::repeat(&b'x')) {
            pace.tick().await;
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = dribble => {}
        answer = until_closed(&mut reader) => assert!(!answer.contains("200 OK"), "{answer}"),
    }
}

#[tokio::test]
async fn a_slow_body_is_cut() {
    let server = server(tight()).await;
    let check = async |head: &str| {
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = until_closed(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    };
    check("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\npart").await;
    check("POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n").await;
    check("GET /waits HTTP/1.1\r\nhost: x\r\n\r\n").await;
}

#[tokio::test]
async fn silence_between_two_requests_is_cut() {
    let server = server(tight()).await;
    let mut stream = server.connect().await;
    for _ in 0..2 {
        stream.write_all(REQUEST).await.unwrap();
        assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
    }
    assert_eq!(until_closed(&mut stream).await, "");
}

#[tokio::test]
async fn a_connection_too_many_waits_for_its_place() {
    let server = server(Limits { connections: 2, head: PATIENCE, ..tight() }).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    for stream in [&mut first, &mut second] {
        stream.write_all(REQUEST).await.unwrap();
        one_answer(stream).await;
    }
    let mut third = server.connect().await;
    third.write_all(REQUEST).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), third.read_u8()).await;
    assert!(early.is_err(), "the third must wait");
    drop(first);
    assert!(one_answer(&mut third).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_busy_connection_ends_with_its_lifetime() {
    let server = server(Limits { lifetime: Duration::from_millis(200), head: PATIENCE, ..tight() }).await;
    let mut stream = server.connect().await;
    stream.write_all(REQUEST).await.unwrap();
    assert!(until_closed(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let server = server(tight()).await;
    let mut stream = server.connect().await;
    let head = format!("GET /alive HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(2 * LARGEST_HEAD));
    let _ = stream.write_all(head.as_bytes()).await;
    let answer = until_closed(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let server = server(tight()).await;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client =
        reqwest::Client::builder().tls_backend_preconfigured(tls).http2_prior_knowledge().no_proxy().build().unwrap();
    let response = client.get(format!("http://{}/alive", server.address)).send().await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(response.text().await.unwrap(), "alive");
}

#[tokio::test]
async fn a_stop_lets_the_request_under_way_finish() {
    let server = server(Limits { request: PATIENCE, head: PATIENCE, ..tight() }).await;
    let mut idle = server.connect().await;
    idle.write_all(REQUEST).await.unwrap();
    one_answer(&mut idle).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /waits HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.entered.notified().await;

    server.stop.cancel();
    assert_eq!(until_closed(&mut idle).await, "", "an idle connection is closed at once");
    assert!(!server.task.is_finished());
    server.released.notify_one();
    let answer = until_closed(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("done"), "{answer}");
    server.task.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = Limits { request: PATIENCE, head: PATIENCE, stop: Duration::from_millis(100), ..tight() };
    let server = server(limits).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /waits HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.entered.notified().await;
    server.stop.cancel();
    tokio::time::timeout(PATIENCE / 2, server.task).await.expect("the stop has its limit").unwrap();
    assert_eq!(until_closed(&mut busy).await, "");
}

#[tokio::test]
async fn a_unix_socket_serves_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("candor.sock");
    let listener = Listener::bind(&Listen::Unix(path.clone())).await.unwrap();
    let stop = CancellationToken::new();
    let router = Router::new().route("/alive", get(|| async { "alive" }));
    let task = tokio::spawn(serve(listener, router, tight(), stop.clone()));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
    stop.cancel();
    task.await.unwrap();
    assert!(!path.exists());
}
