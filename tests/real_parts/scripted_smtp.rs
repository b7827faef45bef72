//! An SMTP server that does what a test tells it to: polite by default, as rude as a rule says.
//!
//! It listens on 127.0.0.1, keeps what it heard, and is gone when it is dropped. Deliberately absent: any check
//! of what clients say; tests look at [`Session`] for that.
#![allow(dead_code, reason = "each test binary that includes this file uses a part of it")]

use std::sync::{Arc, Mutex, MutexGuard};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What the client did, and where.
pub struct Heard<'a> {
    /// Counted from 0 over the server's life.
    pub connection: usize,
    pub encrypted: bool,
    pub event: Event<'a>,
}

pub enum Event<'a> {
    Connected,
    /// A line without its end.
    Command(&'a str),
    /// A whole message as it came, with doubled dots, without the final one.
    Message(&'a [u8]),
}

impl Heard<'_> {
    /// The first word of a command in capitals; `CONNECT` and `MESSAGE` for the other events.
    pub fn verb(&self) -> String {
        match self.event {
            Event::Connected => "CONNECT".to_owned(),
            Event::Command(line) => line.split(' ').next().unwrap_or_default().to_ascii_uppercase(),
            Event::Message(_) => "MESSAGE".to_owned(),
        }
    }
}

/// What the server does next.
#[derive(Clone)]
pub enum Say {
    /// Bytes as they are, CRLF included. A `354` first makes it take a message.
    Text(Vec<u8>),
    /// Stays connected and never does anything again.
    Silence,
    Close,
    /// Repeats these bytes until the client has gone.
    Flood(Vec<u8>),
    /// Reads as many bytes, then goes on.
    Read(usize),
    /// Shakes hands; what follows is encrypted.
    Handshake,
    Series(Vec<Say>),
}

/// Bytes to say.
pub fn say(text: impl AsRef<[u8]>) -> Say {
    Say::Text(text.as_ref().to_vec())
}

/// `None`: the polite answer.
pub type Rule = Box<dyn Fn(&Heard<'_>) -> Option<Say> + Send + Sync>;

/// What passed over one connection.
#[derive(Debug, Clone, Default)]
pub struct Session {
    pub commands: Vec<String>,
    pub messages: Vec<Vec<u8>>,
    pub encrypted: bool,
}

/// A certificate for `localhost` and 127.0.0.1, and the roots that trust it.
#[derive(Clone)]
pub struct Identity {
    pub server: Arc<ServerConfig>,
    pub roots: RootCertStore,
}

impl Identity {
    pub fn new() -> Identity {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a root");
        let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a key that fits");
        Identity { server: Arc::new(server), roots }
    }
}

pub struct ScriptedSmtp {
    pub port: u16,
    sessions: Arc<Mutex<Vec<Session>>>,
    task: JoinHandle<()>,
}

impl ScriptedSmtp {
    /// Listens on a free port and answers by the rule.
    pub async fn start(identity: Option<Identity>, rule: Rule) -> ScriptedSmtp {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let sessions: Arc<Mutex<Vec<Session>>> = Arc::default();
        let (shared, rule) = (Arc::clone(&sessions), Arc::new(rule));
        let task = tokio::spawn(async move {
            let mut talks = JoinSet::new();
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                stream.set_nodelay(true).expect("an option of every TCP stream");
                lock(&shared).push(Session::default());
                let tls = identity.as_ref().map(|identity| TlsAcceptor::from(Arc::clone(&identity.server)));
                let (sessions, rule) = (Arc::clone(&shared), Arc::clone(&rule));
                let talk = Talk { stream: Some(BufReader::new(Box::new(stream))), connection, tls, sessions, rule };
                talks.spawn(talk.run());
            }
        });
        ScriptedSmtp { port, sessions, task }
    }

    pub async fn polite() -> ScriptedSmtp {
        ScriptedSmtp::start(None, Box::new(|_| None)).await
    }

    pub fn sessions(&self) -> Vec<Session> {
        lock(&self.sessions).clone()
    }

    /// How many messages have come.
    pub fn received(&self) -> usize {
        lock(&self.sessions).iter().map(|session| session.messages.len()).sum()
    }
}

impl Drop for ScriptedSmtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(sessions: &Mutex<Vec<Session>>) -> MutexGuard<'_, Vec<Session>> {
    sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Talk {
    stream: Option<BufReader<Box<dyn Stream>>>,
    connection: usize,
    tls: Option<TlsAcceptor>,
    sessions: Arc<Mutex<Vec<Session>>>,
    rule: Arc<Rule>,
}

/// The talk is over.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Over {
        Over
    }
}

impl Talk {
    async fn run(mut self) {
        let _: Result<(), Over> = self.talk().await;
    }

    async fn talk(&mut self) -> Result<(), Over> {
        let mut body_follows = self.answer(Event::Connected, "220 mail.example ESMTP\r\n").await?;
        loop {
            if body_follows {
                let message = self.message().await?;
                self.note(|session| session.messages.push(message.clone()));
                body_follows = self.answer(Event::Message(&message), "250 2.0.0 Ok: queued as 4WkP2x\r\n").await?;
                continue;
            }
            let line = String::from_utf8_lossy(&self.line().await?).trim_end().to_owned();
            self.note(|session| session.commands.push(line.clone()));
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let polite = match verb.as_str() {
                "EHLO" => {
                    "250-mail.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n"
                }
                "DATA" => "354 End data with <CR><LF>.<CR><LF>\r\n",
                "AUTH" => "235 2.7.0 Authentication successful\r\n",
                "QUIT" => "221 2.0.0 Bye\r\n",
                _ => "250 2.1.0 Ok\r\n",
            };
            body_follows = self.answer(Event::Command(&line), polite).await?;
            if verb == "QUIT" {
                return Ok(());
            }
        }
    }

    fn note(&self, change: impl FnOnce(&mut Session)) {
        change(&mut lock(&self.sessions)[self.connection]);
    }

    fn stream(&mut self) -> Result<&mut BufReader<Box<dyn Stream>>, Over> {
        self.stream.as_mut().ok_or(Over)
    }

    async fn line(&mut self) -> Result<Vec<u8>, Over> {
        let mut line = Vec::new();
        match self.stream()?.read_until(b'\n', &mut line).await? {
            0 => Err(Over),
            _ => Ok(line),
        }
    }

    async fn message(&mut self) -> Result<Vec<u8>, Over> {
        let mut message = Vec::new();
        loop {
            let line = self.line().await?;
            if line == b".\r\n" {
                return Ok(message);
            }
            message.extend(line);
        }
    }

    /// Answers, and tells whether a message follows.
    async fn answer(&mut self, event: Event<'_>, polite: &str) -> Result<bool, Over> {
        let encrypted = lock(&self.sessions)[self.connection].encrypted;
        let heard = Heard { connection: self.connection, encrypted, event };
        let mut steps = vec![(self.rule)(&heard).unwrap_or_else(|| say(polite))];
        let mut body_follows = false;
        while let Some(step) = steps.pop() {
            match step {
                Say::Text(bytes) => {
                    body_follows |= bytes.starts_with(b"354") && heard.verb() == "DATA";
                    self.stream()?.write_all(&bytes).await?;
                    self.stream()?.flush().await?;
                }
                Say::Silence => std::future::pending::<()>().await,
                Say::Close => return Err(Over),
                Say::Flood(bytes) => loop {
                    self.stream()?.write_all(&bytes).await?;
                },
                Say::Read(count) => {
                    self.stream()?.read_exact(&mut vec![0; count]).await?;
                }
                Say::Handshake => self.handshake().await?,
                Say::Series(series) => steps.extend(series.into_iter().rev()),
            }
        }
        Ok(body_follows)
    }

    async fn handshake(&mut self) -> Result<(), Over> {
        let (Some(tls), Some(stream)) = (self.tls.clone(), self.stream.take()) else { return Err(Over) };
        let stream = tls.accept(stream.into_inner()).await?;
        self.stream = Some(BufReader::new(Box::new(stream)));
        self.note(|session| session.encrypted = true);
        Ok(())
    }
}
