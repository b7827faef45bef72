//! The bytes below the guard: TCP, or TLS over it.
//!
//! Deliberately absent: SMTP. TLS is always verified; nothing here can switch that off.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::verdict::{Fault, Halt, Phase, Refusal};

/// Whose certificates are believed.
pub enum Trust {
    /// The operating system's roots.
    Platform,
    /// These alone.
    Roots(RootCertStore),
}

/// The client's side of TLS: 1.2 and 1.3, aws-lc-rs, the given roots.
///
/// # Errors
/// The operating system's roots cannot be read.
pub fn tls_client(trust: Trust) -> anyhow::Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("the TLS versions cannot be chosen")?;
    let builder = match trust {
        Trust::Platform => builder
            .with_platform_verifier()
            .context("the system's root certificates cannot be read; install the package ca-certificates")?,
        Trust::Roots(roots) => builder.with_root_certificates(roots),
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// A connected stream.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Wire::Plain(stream) => stream.peer_addr(),
            Wire::Tls(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}

/// Connects to the first address that answers. `limit` is for the look-up and all addresses together, so that
/// a black-holed first address (AAAA without a route) leaves time for the next.
pub async fn dial(host: &str, port: u16, limit: Duration) -> Result<TcpStream, Fault> {
    tokio::time::timeout(limit, dial_each(host, port, limit)).await.unwrap_or(Err(Fault::TimedOut))
}

async fn dial_each(host: &str, port: u16, limit: Duration) -> Result<TcpStream, Fault> {
    const MOST_ADDRESSES: usize = 4;
    let found = tokio::net::lookup_host((host, port)).await.map_err(|_| Fault::Unresolved)?;
    let addresses: Vec<SocketAddr> = found.take(MOST_ADDRESSES).collect();
    let share = limit / addresses.len().max(1) as u32;
    let mut fault = Fault::Unresolved;
    for address in addresses {
        fault = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Err(_) => Fault::TimedOut,
            Ok(Err(error)) => Fault::Lost(error.kind()),
            // Without it, body and final dot cost 44 ms a message (Nagle and delayed acknowledgement).
            Ok(Ok(stream)) => match stream.set_nodelay(true) {
                Ok(()) => return Ok(stream),
                Err(error) => Fault::Lost(error.kind()),
            },
        };
    }
    Err(fault)
}

/// Puts TLS over a connection; `phase` names the moment for the verdict.
pub async fn encrypt(
    stream: TcpStream,
    client: Arc<ClientConfig>,
    host: &str,
    phase: Phase,
    limit: Duration,
) -> Result<Wire, Halt> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Halt::refusal(phase, Refusal::Tls("the host name cannot be verified".to_owned())))?;
    match tokio::time::timeout(limit, TlsConnector::from(client).connect(name, stream)).await {
        Err(_) => Err(Halt::fault(phase, Fault::TimedOut)),
        Ok(Ok(stream)) => Ok(Wire::Tls(Box::new(stream))),
        Ok(Err(error)) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(refused) => Err(Halt::refusal(phase, Refusal::Tls(refusal(refused)))),
            None => Err(Halt::fault(phase, Fault::Lost(error.kind()))),
        },
    }
}

/// What is wrong with the other side's TLS, and what to do, for the faults that people meet.
fn refusal(error: &rustls::Error) -> String {
    let certificate = match error {
        rustls::Error::InvalidCertificate(certificate) => certificate,
        other => return other.to_string(),
    };
    let said = match certificate {
        CertificateError::UnknownIssuer => {
            "is signed by an authority that this system does not trust; add that authority with update-ca-certificates"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name than the one in email.server"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet",
        CertificateError::Revoked => "has been revoked",
        // The library's own list goes on and grows.
        other => return format!("its certificate is not accepted: {other}"),
    };
    format!("its certificate {said}")
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
