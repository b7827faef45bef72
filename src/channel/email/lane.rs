//! One connection, used for message after message, and replaced when it cannot be trusted any more.
//!
//! A dropped future drops the connection: it is taken out before the first byte and put back only after a
//! reply that leaves it clean. Deliberately absent: waits, counts of attempts, and which message is next.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use lettre::transport::smtp::commands::Quit;
use tokio::time::Sleep;

use super::connect::{Connection, Server, open};
use super::dialogue::{Envelope, Sent, send};
use super::verdict::{End, Fault, Halt, Phase, outcome};
use crate::domain::delivery::Outcome;

/// One SMTP connection's life after life.
pub struct SmtpLane {
    server: Arc<Server>,
    resting: Option<Resting>,
}

/// An open connection between two messages.
struct Resting {
    connection: Connection,
    carried: u32,
    idle: Pin<Box<Sleep>>,
}

impl SmtpLane {
    pub fn new(server: Arc<Server>) -> SmtpLane {
        SmtpLane { server, resting: None }
    }

    /// Sends one message and waits for its verdict, at most as long as the deadlines allow.
    ///
    /// A connection that the server had given up between two messages is replaced once and silently: nothing
    /// of the message was sent on it. Everything else is the attempt's outcome.
    ///
    /// `cut` ends the waiting before the verdict is there: the outcome is then what follows from how far it had come.
    pub async fn send(
        &mut self,
        envelope: Envelope<'_>,
        message: &[u8],
        mut cut: Pin<&mut impl Future<Output = ()>>,
    ) -> Outcome {
        if let Some(resting) = self.wake().await {
            let (mut connection, carried) = (resting.connection, resting.carried);
            let sent = send_until(&mut connection, envelope, message, cut.as_mut()).await;
            if !was_given_up(&sent.halt) {
                return self.settle(connection, carried, sent);
            }
        }
        let opened = tokio::select! {
            opened = open(&self.server) => opened,
            () = cut.as_mut() => Err(Halt::fault(Phase::Connect, Fault::Stopped)),
        };
        match opened {
            Err(halt) => outcome(&halt),
            Ok(mut connection) => {
                let sent = send_until(&mut connection, envelope, message, cut).await;
                self.settle(connection, 0, sent)
            }
        }
    }

    /// Connects, logs in and says goodbye: whether a message could be handed over now.
    pub async fn probe(&mut self) -> Outcome {
        match open(&self.server).await {
            Err(halt) => outcome(&halt),
            Ok(connection) => {
                quit(connection).await;
                Outcome::Delivered { receipt: "the server is ready".to_owned() }
            }
        }
    }

    pub fn is_connected(&self) -> bool {
        self.resting.is_some()
    }

    /// Says goodbye and closes, when there is nothing to send; waits at most the time-out of QUIT.
    pub async fn rest(&mut self) {
        if let Some(resting) = self.resting.take() {
            quit(resting.connection).await;
        }
    }

    fn settle(&mut self, connection: Connection, carried: u32, sent: Sent) -> Outcome {
        if sent.usable {
            let mut idle = Box::pin(tokio::time::sleep(self.server.deadlines.idle));
            // Polled once so that it is registered and can be asked later without being awaited.
            let _ = idle.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            self.resting = Some(Resting { connection, carried: carried + 1, idle });
        }
        outcome(&sent.halt)
    }

    async fn wake(&mut self) -> Option<Resting> {
        let resting = self.resting.take()?;
        if resting.carried >= self.server.deadlines.messages || resting.idle.is_elapsed() {
            quit(resting.connection).await;
            return None;
        }
        Some(resting)
    }
}

async fn send_until(
    connection: &mut Connection,
    envelope: Envelope<'_>,
    message: &[u8],
    cut: Pin<&mut impl Future<Output = ()>>,
) -> Sent {
    let exchange = connection.exchange.clone();
    tokio::select! {
        sent = send(connection, envelope, message) => sent,
        () = cut => Sent { halt: Halt::fault(exchange.phase(), Fault::Stopped), usable: false },
    }
}

/// Whether a used connection had been ended by the server before this message's first command was answered.
fn was_given_up(halt: &Halt) -> bool {
    let first_command = matches!(halt.phase, Phase::Reset | Phase::Mail);
    first_command
        && match &halt.end {
            End::Reply(reply) => reply.code == 421 || halt.phase == Phase::Reset,
            End::Fault(fault) => match fault {
                Fault::Closed | Fault::Lost(_) | Fault::Unsolicited => true,
                Fault::Unresolved | Fault::TimedOut | Fault::Malformed(_) | Fault::TooLong | Fault::Stopped => false,
            },
            End::Refusal(_) => false,
        }
}

/// A polite end. Its answer changes nothing, so it is not looked at.
async fn quit(mut connection: Connection) {
    connection.exchange.begin(Phase::Quit, 1);
    let _ = connection.smtp.command(Quit).await;
}
