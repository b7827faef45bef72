//! Our own stream under lettre's [`AsyncSmtpConnection`](lettre::transport::smtp::client::AsyncSmtpConnection):
//! it keeps the deadlines and limits that lettre does not have, and gathers writes so that commands and bodies
//! travel in one flight.
//!
//! Seams with lettre, all of its public API:
//! - it writes and flushes; nothing is pushed before it starts to read ([`Guard::poll_read`]);
//! - it is given one line of a reply at a time, so the reply that [`Exchange`] holds is the one it just read;
//! - its own greeting and EHLO are answered from memory ([`Guard::into_lettre`]): ours came first, with TLS and HELO.
//!
//! Deliberately absent: what codes mean (`verdict`), and any second use of a stream after a [`Fault`].

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Sleep;

use super::deadlines::Deadlines;
use super::framing::Framer;
use super::verdict::{Fault, Halt, Phase, Reply};
use super::wire::Wire;

/// Bytes that are gathered before they are pushed without being asked for.
const GATHERED: usize = 256 * 1024;

/// What passes over a connection right now, shared by the guard and by whoever drives the dialogue.
#[derive(Clone)]
pub struct Exchange(Arc<Mutex<State>>);

struct State {
    phase: Phase,
    /// Replies that the next flight asks for.
    asks: usize,
    /// Replies that have been asked for and not been read.
    outstanding: usize,
    /// The deadline of `phase` is to start anew.
    rearm: bool,
    reply: Option<Reply>,
    fault: Option<Fault>,
}

impl Exchange {
    fn new() -> Exchange {
        Exchange(Arc::new(Mutex::new(State {
            phase: Phase::Greeting,
            asks: 1,
            outstanding: 1,
            rearm: true,
            reply: None,
            fault: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is written next, and how many replies it asks for. Each further write that finds none
    /// outstanding asks for as many again (the steps of AUTH).
    pub fn begin(&self, phase: Phase, replies: usize) {
        let mut state = self.state();
        state.phase = phase;
        state.asks = replies;
        state.rearm = true;
        state.reply = None;
    }

    /// Says what the next reply of the same flight answers.
    pub fn next(&self, phase: Phase) {
        let mut state = self.state();
        state.phase = phase;
        state.rearm = true;
        state.reply = None;
    }

    /// How far it has come.
    pub fn phase(&self) -> Phase {
        self.state().phase
    }

    /// The reply that was just read, or why there is none. The phase is the guard's: [`Phase::Body`] becomes
    /// [`Phase::Final`] once the final dot has been handed to the network.
    pub fn outcome(&self) -> Result<Reply, Halt> {
        let mut state = self.state();
        match (state.fault, state.reply.take()) {
            (Some(fault), _) => Err(Halt::fault(state.phase, fault)),
            (None, Some(reply)) => Ok(reply),
            (None, None) => Err(Halt::fault(state.phase, Fault::Malformed("the reply could not be read"))),
        }
    }
}

/// A stream with limits. After its first fault it does nothing but repeat it.
pub struct Guard {
    wire: Wire,
    deadlines: Deadlines,
    deadline: Pin<Box<Sleep>>,
    exchange: Exchange,
    outgoing: Vec<u8>,
    written: usize,
    unflushed: bool,
    framer: Framer,
    /// The line that the reader is being given.
    line: Vec<u8>,
    given: usize,
    /// Replies to lettre's own greeting and EHLO.
    prepared: VecDeque<&'static str>,
}

impl Guard {
    /// Wraps a stream whose server is about to greet.
    pub fn new(wire: Wire, deadlines: Deadlines) -> Guard {
        Guard {
            wire,
            deadlines,
            deadline: Box::pin(tokio::time::sleep(deadlines.greeting)),
            exchange: Exchange::new(),
            outgoing: Vec::with_capacity(16 * 1024),
            written: 0,
            unflushed: false,
            framer: Framer::default(),
            line: Vec::new(),
            given: 0,
            prepared: VecDeque::new(),
        }
    }

    /// Wraps a stream on which the greeting has passed: STARTTLS begins anew with EHLO.
    pub fn greeted(wire: Wire, deadlines: Deadlines) -> Guard {
        let guard = Guard::new(wire, deadlines);
        guard.exchange.state().outstanding = 0;
        guard
    }

    pub fn exchange(&self) -> Exchange {
        self.exchange.clone()
    }

    /// Reads the greeting.
    pub async fn greeting(&mut self) -> Result<Reply, Halt> {
        self.reply().await
    }

    /// Sends one line and reads its reply.
    pub async fn ask(&mut self, phase: Phase, line: &str) -> Result<Reply, Halt> {
        self.exchange.begin(phase, 1);
        if self.write_all(format!("{line}\r\n").as_bytes()).await.is_err() {
            return self.exchange.outcome();
        }
        self.reply().await
    }

    async fn reply(&mut self) -> Result<Reply, Halt> {
        let mut passed = [0; 1_024];
        while self.exchange.state().reply.is_none() {
            if !matches!(self.read(&mut passed).await, Ok(1..)) {
                break;
            }
        }
        self.line.clear();
        self.given = 0;
        self.exchange.outcome()
    }

    /// The stream itself, to put TLS over it. What had arrived after the last reply was refused with it.
    pub fn into_wire(self) -> Wire {
        self.wire
    }

    /// Prepares the stream for lettre, whose own greeting and EHLO are answered here without being sent. It
    /// needs to know nothing of the server's words.
    pub fn into_lettre(mut self) -> Box<Guard> {
        self.prepared.extend(["220 server\r\n", "250 server\r\n"]);
        Box::new(self)
    }

    fn fail(&mut self, fault: Fault) -> io::Error {
        let mut state = self.exchange.state();
        let first = *state.fault.get_or_insert(fault);
        state.reply = None;
        io::Error::other(format!("{first:?}"))
    }

    fn earlier_fault(&mut self) -> Option<io::Error> {
        let fault = self.exchange.state().fault?;
        Some(self.fail(fault))
    }

    fn rearm_if_asked(&mut self) {
        let mut state = self.exchange.state();
        if std::mem::take(&mut state.rearm) {
            let limit = self.deadlines.of(state.phase);
            drop(state);
            self.deadline.set(tokio::time::sleep(limit));
        }
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.deadline.as_mut().poll(cx));
        Poll::Ready(self.fail(Fault::TimedOut))
    }

    /// Before anything new is written, nothing may have arrived: a closed idle connection, a `421` on it, and
    /// replies to commands that were never sent are all seen here.
    fn expect_silence(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.framer.is_empty() {
            return Err(self.fail(Fault::Unsolicited));
        }
        let mut byte = [0; 1];
        let mut buffer = ReadBuf::new(&mut byte);
        match Pin::new(&mut self.wire).poll_read(cx, &mut buffer) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Err(self.fail(Fault::Closed)),
            Poll::Ready(Ok(())) => Err(self.fail(Fault::Unsolicited)),
            Poll::Ready(Err(error)) => Err(self.fail(lost(&error))),
        }
    }

    fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.outgoing.len() {
            match Pin::new(&mut self.wire).poll_write(cx, &self.outgoing[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.fail(Fault::Closed))),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.fail(lost(&error)))),
                Poll::Pending => return self.wait(cx).map(Err),
            }
            self.unflushed = true;
        }
        self.outgoing.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Writes all that was gathered. Lettre reads only after it has written the final dot, so a body that is
    /// out here is out with its dot; TLS may still hold bytes back, which errs on the side of *uncertain*.
    fn push_before_reading(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_out(cx))?;
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        {
            let mut state = self.exchange.state();
            if state.phase == Phase::Body {
                state.phase = Phase::Final;
            }
        }
        match Pin::new(&mut self.wire).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.unflushed = false;
                self.exchange.state().rearm = true;
                self.rearm_if_asked();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.fail(lost(&error)))),
            Poll::Pending => self.wait(cx).map(Err),
        }
    }

    /// Reads until a line is complete and puts it where the reader is served from.
    fn next_line(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.framer.next_line() {
                Err(fault) => return Poll::Ready(Err(self.fail(fault))),
                Ok(Some(line)) => return Poll::Ready(self.accept(line.shown, line.reply)),
                Ok(None) => {}
            }
            let mut bytes = [0; 4_096];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.wire).poll_read(cx, &mut buffer) {
                Poll::Pending => return self.wait(cx).map(Err),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.fail(lost(&error)))),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                    return Poll::Ready(Err(self.fail(Fault::Closed)));
                }
                Poll::Ready(Ok(())) => self.framer.feed(buffer.filled()),
            }
        }
    }

    fn accept(&mut self, shown: String, reply: Option<Reply>) -> io::Result<()> {
        let mut state = self.exchange.state();
        let unasked = state.outstanding == 0;
        if let Some(reply) = reply {
            state.outstanding = state.outstanding.saturating_sub(1);
            // A surplus means that this reply may belong to another command: it is not believed.
            if unasked || (state.outstanding == 0 && !self.framer.is_empty()) {
                drop(state);
                return Err(self.fail(Fault::Unsolicited));
            }
            state.reply = Some(reply);
        }
        drop(state);
        self.line = shown.into_bytes();
        self.given = 0;
        Ok(())
    }
}

fn lost(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::Closed,
        kind => Fault::Lost(kind),
    }
}

impl AsyncRead for Guard {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if guard.given == guard.line.len() {
            if let Some(prepared) = guard.prepared.pop_front() {
                guard.line = prepared.as_bytes().to_vec();
                guard.given = 0;
            } else {
                if let Some(error) = guard.earlier_fault() {
                    return Poll::Ready(Err(error));
                }
                guard.rearm_if_asked();
                ready!(guard.push_before_reading(cx))?;
                ready!(guard.next_line(cx))?;
            }
        }
        let count = buffer.remaining().min(guard.line.len() - guard.given);
        buffer.put_slice(&guard.line[guard.given..guard.given + count]);
        guard.given += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        if !guard.prepared.is_empty() {
            return Poll::Ready(Ok(bytes.len()));
        }
        if let Some(error) = guard.earlier_fault() {
            return Poll::Ready(Err(error));
        }
        guard.rearm_if_asked();
        if guard.exchange.state().outstanding == 0 {
            guard.expect_silence(cx)?;
            let mut state = guard.exchange.state();
            state.outstanding = state.asks;
            state.rearm = true;
            drop(state);
            guard.rearm_if_asked();
        }
        if guard.outgoing.len() >= GATHERED {
            ready!(guard.write_out(cx))?;
        }
        let count = bytes.len().min(GATHERED - guard.outgoing.len());
        guard.outgoing.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    /// Nothing on purpose: reading pushes, so that what belongs together goes out together.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Guard {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.wire.peer_addr()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}
