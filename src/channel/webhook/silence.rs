//! Why no answer came, read out of reqwest's error, and whether the message may have arrived all the same.
//!
//! What reqwest lets us tell: that it failed while connecting (`is_connect`), that time ran out
//! (`is_timeout`), and the chain of causes. It does not say whether the request had been written, so the body
//! itself tells: it marks the moment when the connection first asked for its bytes. Before that nothing can
//! have arrived; after it, something may have, since our buffer, the kernel and the network come after.
//!
//! Deliberately absent: the errors' own texts, some of which hold the host's name (certificates do).

use std::convert::Infallible;
use std::error::Error;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use rustls::CertificateError;

use super::resolve::OnlyUnreachable;
use super::verdict::Silence;

/// A body of known length that notes when it is taken.
pub struct TracedBody {
    bytes: Option<Bytes>,
    handed_over: Arc<AtomicBool>,
}

impl TracedBody {
    pub fn new(bytes: Bytes, handed_over: Arc<AtomicBool>) -> TracedBody {
        TracedBody { bytes: Some(bytes), handed_over }
    }
}

impl Body for TracedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.handed_over.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// Reads the error of a request that got no answer.
pub fn read(error: &reqwest::Error, handed_over: &AtomicBool) -> Silence {
    if handed_over.load(Ordering::Acquire) {
        let words = if error.is_timeout() { "no answer in time" } else { "the connection was lost before an answer" };
        return Silence::Unanswered { words };
    }
    let phase = if error.is_builder() { "http" } else { "connect" };
    Silence::NotSent { phase, words: reason(error) }
}

/// The first cause in the chain that we have words for.
fn reason(error: &reqwest::Error) -> &'static str {
    let mut connection = None;
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(link) = cause {
        if link.is::<OnlyUnreachable>() {
            return "the name leads only to private or special addresses that are not in `[webhook] allow`";
        }
        if let Some(fault) = link.downcast_ref::<rustls::Error>() {
            return of_tls(fault);
        }
        cause = match link.downcast_ref::<std::io::Error>() {
            // An I/O error that wraps another error names that one's cause, not that one, as its source.
            Some(error) => {
                connection = Some(error.kind());
                error.get_ref().map(|inner| inner as &(dyn Error + 'static))
            }
            None => link.source(),
        };
    }
    match connection {
        _ if error.is_timeout() => "no connection in time",
        Some(ErrorKind::NotFound) => "the name has no address",
        _ if error.is_dns() => "the name cannot be looked up",
        Some(kind) => of_connection(kind),
        None => "the request could not be sent",
    }
}

fn of_connection(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::ConnectionReset => "connection reset",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "the host cannot be reached",
        ErrorKind::UnexpectedEof => "the connection was closed during the TLS handshake",
        _ => "the connection failed",
    }
}

fn of_tls(error: &rustls::Error) -> &'static str {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return "the TLS handshake failed";
    };
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::UnknownIssuer => "its certificate is from an issuer that this system does not trust",
        CertificateError::Revoked => "its certificate has been revoked",
        _ => "its certificate is not valid",
    }
}
