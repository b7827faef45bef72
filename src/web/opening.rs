//! Limits how long a connection may take until its version of HTTP is known.
//!
//! hyper-util reads up to 24 bytes to tell HTTP/2 from HTTP/1 before any of hyper's own time limits begins: a
//! connection that says nothing, or part of `PRI * HTTP/2.0`, would stay for ever. Deliberately absent: all
//! that comes after, which hyper's limits cover.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What an HTTP/2 client says first (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose reads fail once the limit has passed without the version being known.
pub struct Opening<S> {
    stream: S,
    /// `None` once the version is known.
    limit: Option<Pin<Box<Sleep>>>,
    matched: usize,
}

impl<S> Opening<S> {
    /// The limit runs from now.
    pub fn new(stream: S, limit: Duration) -> Opening<S> {
        Opening { stream, limit: Some(Box::pin(tokio::time::sleep(limit))), matched: 0 }
    }

    /// The version is known at the first byte that differs from the preface, or at its end.
    fn note(&mut self, fresh: &[u8]) {
        let expected = &PREFACE[self.matched..];
        let common = fresh.iter().zip(expected).take_while(|(read, wanted)| read == wanted).count();
        self.matched += common;
        if common < fresh.len() || self.matched == PREFACE.len() {
            self.limit = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Some(limit) = &mut self.limit {
            if outcome.is_pending() && limit.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(Error::from(ErrorKind::TimedOut)));
            }
            if outcome.is_ready() {
                self.note(&buffer.filled()[before..]);
            }
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Whether a read still waits a minute after the client said this and fell silent.
    async fn stays_open_after(said: &[&[u8]]) -> bool {
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Opening::new(server, Duration::from_secs(5));
        for part in said {
            client.write_all(part).await.unwrap();
            server.read_exact(&mut vec![0; part.len()]).await.unwrap();
        }
        tokio::time::timeout(Duration::from_secs(60), server.read_u8()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_known_version_ends_the_limit() {
        assert!(!stays_open_after(&[]).await);
        assert!(!stays_open_after(&[b"P"]).await);
        assert!(!stays_open_after(&[b"PRI * HTTP/2.0\r\n", b"\r\nSM\r\n\r"]).await);
        assert!(stays_open_after(&[b"PRI * HTTP/2.0\r\n", b"\r\nSM\r\n\r\n"]).await);
        assert!(stays_open_after(&[b"G"]).await);
        assert!(stays_open_after(&[b"P", b"O"]).await);
        assert!(stays_open_after(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"]).await);
    }
}
