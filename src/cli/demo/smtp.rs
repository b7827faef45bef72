//! The demo's mail server: takes every mail that is handed to it, and answers as a relay would (RFC 5321, with
//! PIPELINING).
//!
//! Deliberately absent: TLS, accounts, and any check of what is said; it listens on this machine alone.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::inbox::Inbox;
use crate::web::listener::{Connection, Listener};

/// The longest line, and the most bytes of one mail.
const LINE_MOST: u64 = 4_096;
const MAIL_MOST: usize = 4 * 1024 * 1024;

/// Takes connections until `stop`.
pub async fn serve(listener: Listener, inbox: Arc<Inbox>, stop: CancellationToken) {
    let talks = TaskTracker::new();
    while let Some(Ok(stream)) = stop.run_until_cancelled(listener.accept()).await {
        let (inbox, stop) = (inbox.clone(), stop.clone());
        talks.spawn(async move {
            // How a talk ends is the other side's affair.
            let _ = stop.run_until_cancelled(Talk { stream: BufReader::new(stream), inbox }.run()).await;
        });
    }
    talks.close();
    talks.wait().await;
}

struct Talk {
    stream: BufReader<Box<dyn Connection>>,
    inbox: Arc<Inbox>,
}

impl Talk {
    async fn run(mut self) -> std::io::Result<()> {
        let mut to = String::new();
        self.say("220 demo.invalid ESMTP").await?;
        loop {
            let line = self.line().await?;
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self.say("250-demo.invalid\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 4194304").await?,
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    self.say("250 2.1.5 Ok").await?;
                }
                "DATA" => {
                    self.say("354 End data with <CR><LF>.<CR><LF>").await?;
                    let mail = self.mail().await?;
                    let number = self.inbox.take_mail(std::mem::take(&mut to), mail);
                    self.say(&format!("250 2.0.0 Ok: queued as DEMO{number:02}")).await?;
                }
                "QUIT" => return self.say("221 2.0.0 Bye").await,
                "HELO" | "MAIL" | "RSET" | "NOOP" => self.say("250 2.0.0 Ok").await?,
                _ => self.say("502 5.5.1 Not known here").await?,
            }
        }
    }

    async fn say(&mut self, line: &str) -> std::io::Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    async fn line(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_MOST).read_until(b'\n', &mut line).await?;
        if line.ends_with(b"\n") { Ok(line) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
    }

    /// The mail as its author wrote it, without the dots that the protocol doubles.
    async fn mail(&mut self) -> std::io::Result<Vec<u8>> {
        let mut mail = Vec::new();
        loop {
            let line = self.line().await?;
            if line == b".\r\n" {
                return Ok(mail);
            }
            mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if mail.len() > MAIL_MOST {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
        }
    }
}
