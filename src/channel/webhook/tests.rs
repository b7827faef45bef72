use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::domain::signature::verify;

const LOOPBACK: (IpAddr, u8) = (IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), 8);

fn now() -> Timestamp {
    Timestamp::from_second(1_795_440_000).unwrap()
}

fn secret() -> WebhookSecret {
    WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
}

fn settings(allow: &[(IpAddr, u8)]) -> WebhookSettings {
    WebhookSettings {
        retry: vec![Duration::from_secs(5)],
        give_up: Duration::from_secs(60),
        allow: allow.to_vec(),
        key: None,
        connections: 4,
    }
}

fn quick() -> Surroundings {
    Surroundings {
        connect_limit: Duration::from_millis(500),
        total_limit: Duration::from_millis(1000),
        ..Surroundings::default()
    }
}

fn local_sender() -> WebhookSender {
    WebhookSender::within(&settings(&[LOOPBACK]), quick()).unwrap()
}

async fn send(sender: &WebhookSender, url: &str) -> Outcome {
    sender.deliver(url, &secret(), "case-1-delivery-2", now(), br#"{"type":"incident.updated"}"#.to_vec()).await
}

/// An endpoint on this machine.
async fn endpoint(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// An endpoint that treats each connection by hand.
async fn raw_endpoint<F, T>(treat: F) -> SocketAddr
where
    F: Fn(TcpStream) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(treat(stream));
        }
    });
    address
}

/// A listener that only counts who connects.
async fn tripwire() -> (SocketAddr, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    let address = raw_endpoint(move |_stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    (address, seen)
}

async fn read_request(stream: &mut TcpStream) {
    let mut buffer = [0; 16 * 1024];
    let mut text = String::new();
    while !text.contains("incident.updated") {
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "the request ended early");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

#[tokio::test]
async fn what_arrives_is_signed_and_named() {
    let (arrived, mut arrivals) = mpsc::channel::<(HeaderMap, Bytes)>(1);
    let router = Router::new().route(
        "/hook",
        post(|State(arrived): State<mpsc::Sender<(HeaderMap, Bytes)>>, headers: HeaderMap, body: Bytes| async move {
            arrived.send((headers, body)).await.unwrap();
            (StatusCode::ACCEPTED, "queued\nas 17")
        })
        .with_state(arrived),
    );
    let address = endpoint(router).await;
    let outcome = send(&local_sender(), &format!("http://{address}/hook?key=topsecret")).await;
    assert_eq!(outcome, Outcome::Delivered { receipt: "HTTP 202 queued as 17".to_owned() });

    let (headers, body) = arrivals.recv().await.unwrap();
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(header("webhook-id"), "case-1-delivery-2");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("content-length"), body.len().to_string());
    assert_eq!(header("user-agent"), format!("candor/{}", env!("CARGO_PKG_VERSION")));
    assert!(headers.get("accept-encoding").is_none() && headers.get("cookie").is_none());
    let timestamp = header("webhook-timestamp");
    assert_eq!(verify(&[secret()], header("webhook-id"), timestamp, header("webhook-signature"), &body, now()), Ok(()));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let router = Router::new().fallback(any(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { (StatusCode::TEMPORARY_REDIRECT, [("location", "/again")], "") }
    }));
    let address = endpoint(router).await;
    let outcome = send(&local_sender(), &format!("http://{address}/hook")).await;
    assert!(matches!(&outcome, Outcome::Failed { cause } if cause.code == Some(307)), "{outcome:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_endless_answer_is_cut_and_its_status_stands() {
    let router = Router::new().route(
        "/hook",
        post(|| async {
            let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 8192]));
            Body::from_stream(endless).into_response()
        }),
    );
    let address = endpoint(router).await;
    let outcome = send(&local_sender(), &format!("http://{address}/hook")).await;
    let Outcome::Delivered { receipt } = outcome else { panic!("a 200 is a delivery: {outcome:?}") };
    assert!(receipt.starts_with("HTTP 200 xxx") && receipt.len() <= 120, "{receipt}");
}

#[tokio::test]
async fn an_answer_that_stops_in_its_body_counts_by_its_status() {
    let address = raw_endpoint(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = send(&local_sender(), &format!("http://{address}/hook")).await;
    assert_eq!(outcome, Outcome::Delivered { receipt: "HTTP 200 part".to_owned() });
}

#[tokio::test]
async fn an_error_page_does_not_carry_the_address_into_the_ledger() {
    let router = Router::new()
        .fallback(any(|| async { (StatusCode::NOT_FOUND, "no POST /hooks/T0PSECRET?k=v on 127.0.0.1 (T0PSECRET)") }));
    let address = endpoint(router).await;
    let outcome = send(&local_sender(), &format!("http://{address}/hooks/T0PSECRET?k=v")).await;
    let Outcome::Failed { cause } = outcome else { panic!("a 404 fails: {outcome:?}") };
    assert_eq!(cause.to_string(), "http: 404 no POST …?… on … (…)");
}

#[tokio::test]
async fn silence_after_the_request_is_uncertain() {
    let sender = local_sender();
    let hangs_up = raw_endpoint(|mut stream| async move { read_request(&mut stream).await }).await;
    let is_silent = raw_endpoint(|mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let interim_for_ever = raw_endpoint(|mut stream| async move {
        read_request(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for (address, words) in [
        (hangs_up, "the connection was lost before an answer"),
        (is_silent, "no answer in time"),
        (interim_for_ever, "no answer in time"),
    ] {
        let outcome = send(&sender, &format!("http://{address}/hook")).await;
        assert_eq!(outcome, Outcome::Uncertain { cause: Cause::new("http", None, words) });
    }
}

#[tokio::test]
async fn what_never_left_is_deferred() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let silent_tls = raw_endpoint(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let no_tls = raw_endpoint(|mut stream| async move {
        let _ = stream.read(&mut [0; 8192]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let hangs_up = raw_endpoint(|mut stream| async move {
        let _ = stream.read(&mut [0; 8192]).await;
    })
    .await;
    let mut surroundings = quick();
    surroundings.names = Names::Given(Arc::new(|_| Vec::new()));
    let sender = WebhookSender::within(&settings(&[LOOPBACK]), surroundings).unwrap();
    for (url, words) in [
        (format!("http://{closed}/"), "connection refused"),
        (format!("https://{silent_tls}/"), "no connection in time"),
        (format!("https://{no_tls}/"), "the TLS handshake failed"),
        (format!("https://{hangs_up}/"), "the connection was closed during the TLS handshake"),
        ("https://acme.example/".to_owned(), "the name has no address"),
    ] {
        let outcome = send(&sender, &url).await;
        let expected = Outcome::Deferred { cause: Cause::new("connect", None, words), retry_after: None };
        assert_eq!(outcome, expected, "{url}");
    }
}

#[tokio::test]
async fn private_addresses_see_no_connection() {
    let (address, seen) = tripwire().await;
    let port = address.port();
    let sender = WebhookSender::within(&settings(&[]), quick()).unwrap();
    for host in ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "①②⑦.⓪.⓪.①", "0"] {
        for scheme in ["http", "https"] {
            let outcome = send(&sender, &format!("{scheme}://{host}:{port}/")).await;
            assert!(matches!(&outcome, Outcome::Failed { cause } if cause.phase == "connect"), "{host}: {outcome:?}");
        }
    }
    let outcome = send(&sender, &format!("https://localhost:{port}/")).await;
    assert!(matches!(outcome, Outcome::Deferred { .. }), "{outcome:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused_when_it_turns() {
    // 127.0.0.2 stands for the public address, 127.0.0.1 at the same port for the private one behind it.
    let permitted: IpAddr = [127, 0, 0, 2].into();
    let genuine = TcpListener::bind((permitted, 0)).await.unwrap();
    let port = genuine.local_addr().unwrap().port();
    let tripwire = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = genuine.accept().await {
            read_request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        }
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let rebinding = move |_: &str| -> Vec<IpAddr> {
        if counter.fetch_add(1, Ordering::SeqCst) == 0 { vec![permitted] } else { vec![[127, 0, 0, 1].into()] }
    };
    let surroundings = Surroundings { names: Names::Given(Arc::new(rebinding)), ..quick() };
    let sender = WebhookSender::within(&settings(&[(permitted, 32)]), surroundings).unwrap();
    let url = format!("http://rebinding.example:{port}/");
    assert_eq!(send(&sender, &url).await, Outcome::Delivered { receipt: "HTTP 204".to_owned() });
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the address that was checked is the one that is used");
    let Outcome::Deferred { cause, .. } = send(&sender, &url).await else { panic!("it must not be reached") };
    assert!(cause.text.contains("private or special"), "{cause}");
    let touched = tokio::time::timeout(Duration::from_millis(50), tripwire.accept()).await;
    assert!(touched.is_err(), "the private address saw a connection");
}

#[tokio::test]
async fn plain_http_is_held_to_the_allowed_networks_also_by_name() {
    let (address, seen) = tripwire().await;
    let names = Names::Given(Arc::new(|_| vec![[127, 0, 0, 1].into()]));
    let elsewhere = [("10.1.0.0".parse().unwrap(), 16)];
    let sender = WebhookSender::within(&settings(&elsewhere), Surroundings { names, ..quick() }).unwrap();
    let outcome = send(&sender, &format!("http://inside.example:{}/", address.port())).await;
    assert!(matches!(outcome, Outcome::Deferred { .. }), "{outcome:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn tls_is_checked_against_the_name() {
    let made = rcgen::generate_simple_self_signed(vec!["acme.example".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let root = made.cert.der().clone();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![root.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let address = raw_endpoint(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    let names = Names::Given(Arc::new(|_| vec![[127, 0, 0, 1].into()]));
    let trusting = Surroundings { names, extra_roots: vec![root], ..quick() };
    let distrusting = Surroundings { extra_roots: Vec::new(), ..trusting.clone() };
    let words = async |surroundings: Surroundings, host: &str| {
        let sender = WebhookSender::within(&settings(&[LOOPBACK]), surroundings).unwrap();
        match send(&sender, &format!("https://{host}:{}/", address.port())).await {
            Outcome::Delivered { receipt } => receipt,
            Outcome::Deferred { cause, .. } => cause.text,
            outcome => panic!("{outcome:?}"),
        }
    };
    assert_eq!(words(trusting.clone(), "acme.example").await, "HTTP 204");
    assert_eq!(words(trusting, "other.example").await, "its certificate is for another name");
    assert!(words(distrusting, "acme.example").await.contains("certificate"));
}
