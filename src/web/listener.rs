//! Where we listen: a TCP address or a Unix socket, bound and cleaned up.
//!
//! Deliberately absent: what is done with a connection (`serve`), and sockets handed over by systemd.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use crate::config::settings::Listen;

/// A bound listener. A Unix socket's file is removed when this is dropped.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix { listener: UnixListener, file: SocketFile },
}

/// The file of a Unix socket that we made.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

/// One accepted connection, of either kind.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Connection for S {}

impl Listener {
    /// Binds what the settings say. A Unix socket takes connections of its owner and of its group (0660), whatever
    /// the umask: a proxy that is to reach it is put into the group. A socket file that an earlier process left behind is removed, but only when
    /// it is a socket and nobody answers on it.
    ///
    /// # Errors
    /// When the address or the file is taken, or may not be used; names it and says what to do.
    pub async fn bind(listen: &Listen) -> anyhow::Result<Listener> {
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await.with_context(|| {
                    format!("cannot listen on {address}: is another process there, or is the port below 1024?")
                })?;
                Ok(Listener::Tcp(listener))
            }
            Listen::Unix(path) => {
                clear_stale(path).await?;
                let listener = UnixListener::bind(path).with_context(|| {
                    format!("cannot make the socket {}: may this user write there?", path.display())
                })?;
                let file = SocketFile(path.clone());
                let ours_and_our_group = std::fs::Permissions::from_mode(0o660);
                std::fs::set_permissions(path, ours_and_our_group)
                    .with_context(|| format!("cannot set the permissions of the socket {}", path.display()))?;
                Ok(Listener::Unix { listener, file })
            }
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// Those of the operating system; most pass by themselves.
    pub async fn accept(&self) -> std::io::Result<Box<dyn Connection>> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Listener::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok(Box::new(stream))
            }
        }
    }

    /// Where it listens, for the log: with the port that port 0 became.
    pub fn place(&self) -> String {
        match self {
            Listener::Tcp(listener) => {
                listener.local_addr().map_or_else(|_| "tcp".to_owned(), |bound| bound.to_string())
            }
            Listener::Unix { file, .. } => format!("unix:{}", file.0.display()),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // What is gone already needs no removing, and a stale file is cleared at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn clear_stale(path: &Path) -> anyhow::Result<()> {
    match UnixStream::connect(path).await {
        Ok(_) => bail!("cannot listen on the socket {}: another process answers there", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused && is_socket(path) => std::fs::remove_file(path)
            .with_context(|| format!("cannot remove the socket {} that an earlier process left", path.display())),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            bail!(
                "cannot listen on {}: the file there is no socket; move it away or choose another path",
                path.display()
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot look at the socket {}", path.display())),
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("candor.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "the earlier process left its socket");

        let listener = Listener::bind(&Listen::Unix(path.clone())).await.unwrap();
        assert_eq!(listener.place(), format!("unix:{}", path.display()));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        let refused = Listener::bind(&Listen::Unix(path.clone())).await.unwrap_err();
        assert!(refused.to_string().contains("another process answers"), "{refused}");
        drop(listener);
        assert!(!path.exists(), "our own socket goes with us");
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        std::fs::write(&path, "keep me").unwrap();
        let refused = Listener::bind(&Listen::Unix(path.clone())).await.unwrap_err();
        assert!(refused.to_string().contains("is no socket"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "keep me");
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let first = Listener::bind(&Listen::Tcp(([127, 0, 0, 1], 0).into())).await.unwrap();
        let taken = first.place().parse().unwrap();
        let refused = Listener::bind(&Listen::Tcp(taken)).await.unwrap_err();
        assert!(refused.to_string().contains(&first.place()), "{refused}");
    }
}
