//! A folder with a configuration of its own, and the binary called in it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

pub const BINARY: &str = env!("CARGO_BIN_EXE_candor");

const CONFIG: &str = r#"
state = "candor.db"
clients = "clients.toml"
playbook = "playbook.toml"
[sender]
name = "Example Platform"
email = "incidents@example.com"
[[feed]]
name = "files"
kind = "file"
path = "inbox"
[[component]]
id = "payments"
name = "Payments API"
[[component]]
id = "search"
name = "Search"
[email]
server = "maildir:mail"
[webhook]
allow = ["127.0.0.0/8"]
key = "a key that nobody guesses, for tests"
[[operator.contact]]
email = "oncall@example.com"
"#;

const CLIENTS: &str = r#"
[[client]]
id = "acme"
name = "Acme GmbH"
priorities = ["payments", "search"]
[[client.contact]]
email = "ops@acme.example"
[[client]]
id = "globex"
name = "Globex Corporation"
locale = "de"
priorities = ["search"]
[[client.contact]]
email = "noc@globex.example"
"#;

pub const PAYMENTS: &str = r#"
[incident]
id = "p1"
title = "Payments fail in the EU"
impact = "major"
components = ["Payments API"]
[update]
body = "One in three payments fails."
"#;

/// Names no component.
pub const VAGUE: &str = r#"
[incident]
id = "v1"
title = "Something is slow"
[update]
body = "We look at it."
"#;

pub struct Place {
    pub folder: tempfile::TempDir,
}

/// What a call came to.
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        place.write("candor.toml", CONFIG);
        place.write("clients.toml", CLIENTS);
        place.write("playbook.toml", "");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn append(&self, name: &str, text: &str) {
        let before = std::fs::read_to_string(self.path(name)).unwrap();
        self.write(name, &format!("{before}\n{text}"));
    }

    /// The binary with this place's configuration, without anything of our own surroundings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.current_dir(self.folder.path()).env_clear().env("USER", "jane").env("PATH", "/usr/bin:/bin");
        command.arg("--config").arg(self.path("candor.toml")).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    pub fn call(&self, arguments: &[&str]) -> Answer {
        answer(self.command(arguments).output().unwrap())
    }

    pub fn call_with_input(&self, arguments: &[&str], input: &str) -> Answer {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        answer(child.wait_with_output().unwrap())
    }

    /// The call's one JSON document; it has to succeed.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let answer = self.call(&arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.err);
        serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{arguments:?}: {error} in {}", answer.out))
    }

    /// Triggers an update and gives the case's reference.
    pub fn triggered(&self, update: &str) -> String {
        self.write("update.toml", update);
        let answer = self.json(&["--trigger", "update.toml"]);
        answer["ref"].as_str().unwrap().to_owned()
    }

    /// The mails to clients in the folder, oldest first by name of recipient; what the operator is told does not count.
    pub fn mails(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("mail/new")) else { return Vec::new() };
        let mut mails: Vec<String> =
            entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        mails.retain(|mail| !mail.contains("oncall@example.com"));
        mails.sort();
        mails
    }

    /// Adds a client on a webhook.
    pub fn with_webhook(&self, address: &str) {
        self.append(
            "clients.toml",
            &format!(
                "[[client]]\nid = \"hooked\"\nname = \"Hooked Ltd\"\npriorities = [\"*\"]\n[[client.contact]]\nwebhook = \"{address}\""
            ),
        );
    }
}

pub fn answer(output: Output) -> Answer {
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Answer {
    pub fn has(&self, code: i32, out: &str, err: &str) -> &Answer {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        assert!(self.out.contains(out), "out lacks {out:?}:\n{}", self.out);
        assert!(self.err.contains(err), "err lacks {err:?}:\n{}", self.err);
        self
    }
}

/// A server on this machine that answers every request with one status.
pub struct Endpoint {
    pub address: String,
    status: Arc<AtomicU16>,
}

impl Endpoint {
    pub fn answering(status: u16) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let status = Arc::new(AtomicU16::new(status));
        let answers = status.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                read_request(&mut stream);
                let status = answers.load(Ordering::SeqCst);
                let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Endpoint { address, status }
    }

    pub fn answers_from_now_on(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

fn read_request(stream: &mut std::net::TcpStream) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return;
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&part[..read]),
        }
    }
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}
