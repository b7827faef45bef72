//! The relay: takes every mail and keeps it, unless the test wants otherwise.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{HandClock, Mail};
use crate::scripted_smtp::{Event, Heard, Say, ScriptedSmtp, say};

/// How the relay behaves towards everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Polite,
    /// Closes each connection before its greeting.
    Down,
    /// `421` instead of a greeting.
    RefusesAtGreeting,
    /// `550` to every recipient.
    RefusesEverybody,
    /// Takes the message and closes the connection without an answer.
    SilentAfterDot,
    /// `421` to every connection beyond so many.
    RoomFor(usize),
}

struct Answers {
    mode: Mode,
    /// By address: the code that RCPT is answered with.
    recipients: BTreeMap<String, u16>,
    on_the_way: HashMap<usize, String>,
    mails: Vec<Mail>,
    connections: usize,
    open: BTreeSet<usize>,
    refused: usize,
}

pub struct Relay {
    server: ScriptedSmtp,
    answers: Arc<Mutex<Answers>>,
}

impl Relay {
    pub async fn start(clock: HandClock) -> Relay {
        let answers = Arc::new(Mutex::new(Answers {
            mode: Mode::Polite,
            recipients: BTreeMap::new(),
            on_the_way: HashMap::new(),
            mails: Vec::new(),
            connections: 0,
            open: BTreeSet::new(),
            refused: 0,
        }));
        let shared = answers.clone();
        let rule = Box::new(move |heard: &Heard<'_>| shared.lock().unwrap().hear(heard, &clock));
        Relay { server: ScriptedSmtp::start(None, rule).await, answers }
    }

    pub fn port(&self) -> u16 {
        self.server.port
    }

    pub fn set(&self, mode: Mode) {
        self.answers().mode = mode;
    }

    /// From now on `RCPT TO:<address>` is answered with this code; 250 is polite again.
    pub fn answer(&self, address: &str, code: u16) {
        self.answers().recipients.insert(address.to_owned(), code);
    }

    /// Every mail that was accepted, or would have been.
    pub fn mails(&self) -> Vec<Mail> {
        self.answers().mails.clone()
    }

    pub fn connections(&self) -> usize {
        self.answers().connections
    }

    /// How many recipients have been refused.
    pub fn refused(&self) -> usize {
        self.answers().refused
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap()
    }
}

impl Answers {
    /// `None` is the polite answer.
    fn hear(&mut self, heard: &Heard<'_>, clock: &HandClock) -> Option<Say> {
        match heard.event {
            Event::Connected => {
                self.connections += 1;
                match self.mode {
                    Mode::Down => Some(Say::Close),
                    Mode::RefusesAtGreeting => Some(Say::Series(vec![say("421 4.3.2 not now\r\n"), Say::Close])),
                    Mode::RoomFor(most) if self.open.len() >= most => {
                        Some(Say::Series(vec![say("421 4.7.0 too many connections\r\n"), Say::Close]))
                    }
                    Mode::Polite | Mode::RefusesEverybody | Mode::SilentAfterDot | Mode::RoomFor(_) => {
                        self.open.insert(heard.connection);
                        None
                    }
                }
            }
            Event::Command(line) if line.eq_ignore_ascii_case("QUIT") => {
                self.open.remove(&heard.connection);
                None
            }
            Event::Command(_) if self.mode == Mode::Down => Some(Say::Close),
            Event::Command(line) if line.to_ascii_uppercase().starts_with("RCPT TO:") => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                let code = match self.mode {
                    Mode::RefusesEverybody => 550,
                    Mode::Polite | Mode::Down | Mode::RefusesAtGreeting | Mode::SilentAfterDot | Mode::RoomFor(_) => {
                        self.recipients.get(&address).copied().unwrap_or(250)
                    }
                };
                if code == 250 {
                    self.on_the_way.insert(heard.connection, address);
                    return None;
                }
                self.on_the_way.remove(&heard.connection);
                self.refused += 1;
                Some(say(format!("{code} no\r\n")))
            }
            Event::Command(line)
                if line.eq_ignore_ascii_case("DATA") && !self.on_the_way.contains_key(&heard.connection) =>
            {
                Some(say("554 5.5.1 no valid recipients\r\n"))
            }
            Event::Command(_) => None,
            Event::Message(raw) => {
                let to = self.on_the_way.remove(&heard.connection).unwrap_or_default();
                self.mails.push(Mail::parse(clock.now(), &to, &undotted(raw)));
                (self.mode == Mode::SilentAfterDot).then_some(Say::Close)
            }
        }
    }
}

fn undotted(raw: &[u8]) -> Vec<u8> {
    raw.split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| line.strip_prefix(b".").unwrap_or(line))
        .copied()
        .collect()
}
