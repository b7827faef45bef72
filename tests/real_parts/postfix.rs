//! Debian's own Postfix as the relay: STARTTLS, TLS from the first byte, AUTH PLAIN and LOGIN, its refusals.
//!
//! It runs in a folder of its own on 127.0.0.1, takes mail and throws it away. Who may log in is answered by a few
//! lines here, in the protocol in which Postfix asks Dovecot. Needs root, because Postfix changes users.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use candor::channel::email::{Account, AccountOptions, Mail, Password};
use candor::config::settings::{EmailSettings, MailServer, Security, SubjectStyle};
use candor::domain::delivery::Outcome;
use rustls::RootCertStore;

use crate::skip;

const MAIN: &str = "compatibility_level = 3.6
queue_directory = {DIR}/queue
data_directory = {DIR}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {DIR}/log
maillog_file_prefixes = {DIR}
mail_owner = postfix
setgid_group = postdrop
myhostname = localhost
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
default_transport = discard:
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{ {dead@acme.example=550 5.1.1 user unknown} }
smtpd_tls_cert_file = {DIR}/cert.pem
smtpd_tls_key_file = {DIR}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
";

const MASTER: &str = "127.0.0.1:{PLAIN} inet n - n - - smtpd -o smtpd_sasl_path=inet:127.0.0.1:{SAYS_PLAIN}
127.0.0.1:{LOGIN} inet n - n - - smtpd -o smtpd_sasl_path=inet:127.0.0.1:{SAYS_LOGIN}
127.0.0.1:{TLS} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_sasl_path=inet:127.0.0.1:{SAYS_PLAIN}
127.0.0.1:{BARE} inet n - n - - smtpd -o smtpd_tls_auth_only=no -o smtpd_tls_security_level=none -o smtpd_sasl_path=inet:127.0.0.1:{SAYS_PLAIN}
127.0.0.1:{TWO} inet n - n - - smtpd -o smtpd_client_connection_count_limit=2 -o smtpd_sasl_path=inet:127.0.0.1:{SAYS_PLAIN}
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
discard unix - - n - - discard
anvil unix - - n - 1 anvil
";

const PORTS: [&str; 5] = ["PLAIN", "LOGIN", "TLS", "BARE", "TWO"];

struct Postfix {
    folder: tempfile::TempDir,
    ports: Vec<u16>,
    roots: RootCertStore,
    logins: Arc<AtomicUsize>,
}

impl Postfix {
    /// # Errors
    /// What is missing, in the words of whoever can install it.
    fn start() -> Result<Postfix, String> {
        let Some(_) = skip::program(&["postfix"]) else {
            return Err("postfix is missing: it is the Debian package postfix".to_owned());
        };
        if std::fs::metadata("/proc/self").map_or(1, |own| own.uid()) != 0 {
            return Err("postfix is started by root alone: run the tests as root".to_owned());
        }
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let logins = Arc::new(AtomicUsize::new(0));
        let (plain, login) = (answer_logins("PLAIN", logins.clone()), answer_logins("LOGIN", logins.clone()));
        let ports: Vec<u16> = PORTS.iter().map(|_| free_port()).collect();
        let mut master = MASTER.replace("{SAYS_PLAIN}", &plain.to_string()).replace("{SAYS_LOGIN}", &login.to_string());
        for (name, port) in PORTS.iter().zip(&ports) {
            master = master.replace(&format!("{{{name}}}"), &port.to_string());
        }
        let path = folder.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "data"] {
            std::fs::create_dir(path.join(name)).unwrap();
        }
        let shown = path.display().to_string();
        std::fs::write(path.join("etc/main.cf"), MAIN.replace("{DIR}", &shown)).unwrap();
        std::fs::write(path.join("etc/master.cf"), master).unwrap();
        std::fs::write(path.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(path.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        assert!(Command::new("chown").arg("postfix").arg(path.join("data")).status().unwrap().success());
        let postfix = Postfix { folder, ports, roots, logins };
        assert!(postfix.control("start"), "postfix does not start: {}", postfix.log());
        for port in &postfix.ports {
            let mut tries = 0;
            while TcpStream::connect(("127.0.0.1", *port)).is_err() {
                tries += 1;
                assert!(tries < 100, "nobody listens: {}", postfix.log());
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(postfix)
    }

    fn control(&self, what: &str) -> bool {
        let program: PathBuf = skip::program(&["postfix"]).unwrap();
        let etc = self.folder.path().join("etc");
        Command::new(program).arg("-c").arg(etc).arg(what).output().is_ok_and(|done| done.status.success())
    }

    fn log(&self) -> String {
        read(&self.folder.path().join("log"))
    }

    fn account(&self, port: &str, security: Security, password: &'static str, roots: RootCertStore) -> Account {
        let place = PORTS.iter().position(|name| *name == port).unwrap();
        let settings = EmailSettings {
            server: MailServer::Smtp { host: "localhost".to_owned(), port: self.ports[place], security },
            username: (!password.is_empty()).then(|| "candor".to_owned()),
            password: None,
            connections: 1,
            rate: None,
            per_day: None,
            retry: vec![Duration::from_secs(30)],
            give_up: Duration::from_secs(3_600),
            subject: SubjectStyle::Standing,
        };
        let reads: Option<Password> =
            settings.username.as_ref().map(|_| -> Password { Box::new(move || Ok(password.to_owned())) });
        let options = AccountOptions { roots: Some(roots), ..AccountOptions::default() };
        Account::new(&settings, "sender.example", reads, options).unwrap()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.control("stop");
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Answers Postfix's questions about logins by one mechanism; `candor` with `open sesame` may.
fn answer_logins(mechanism: &'static str, logins: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let logins = logins.clone();
            std::thread::spawn(move || talk(mechanism, stream, &logins));
        }
    });
    port
}

fn talk(mechanism: &str, mut stream: TcpStream, logins: &AtomicUsize) -> Option<()> {
    let hello = format!("VERSION\t1\t1\nMECH\t{mechanism}\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t{:032}\nDONE\n", 0);
    stream.write_all(hello.as_bytes()).ok()?;
    let lines = BufReader::new(stream.try_clone().ok()?).lines();
    let mut said: Vec<String> = Vec::new();
    for line in lines {
        let line = line.ok()?;
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.first() {
            Some(&"AUTH") => {
                logins.fetch_add(1, Ordering::SeqCst);
                said = fields.iter().filter_map(|field| field.strip_prefix("resp=")).map(decoded).collect();
            }
            Some(&"CONT") => said.push(decoded(fields.get(2)?)),
            Some(_) | None => continue,
        }
        let id = fields.get(1)?;
        let answer = match (mechanism, said.len()) {
            ("LOGIN", 0) => format!("CONT\t{id}\tVXNlcm5hbWU6\n"),
            ("LOGIN", 1) => format!("CONT\t{id}\tUGFzc3dvcmQ6\n"),
            _ if said.join("\0").trim_start_matches('\0') == "candor\0open sesame" => {
                format!("OK\t{id}\tuser=candor\n")
            }
            _ => format!("FAIL\t{id}\tuser=candor\n"),
        };
        stream.write_all(answer.as_bytes()).ok()?;
    }
    None
}

fn decoded(text: impl AsRef<str>) -> String {
    let bytes = data_encoding::BASE64.decode(text.as_ref().as_bytes()).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn mail(to: &str) -> Mail<'_> {
    let bytes = b"From: <incidents@sender.example>\r\nSubject: Payments are slow\r\n\r\nWe are on it.\r\n";
    Mail { key: "key", from: "incidents@sender.example", to, bytes }
}

fn line(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { receipt } => format!("delivered {receipt}"),
        Outcome::Deferred { cause, .. } => format!("deferred {cause}"),
        Outcome::Failed { cause } => format!("failed {cause}"),
        Outcome::Uncertain { cause } => format!("uncertain {cause}"),
        Outcome::AccountHeld { cause } => format!("held {cause}"),
        Outcome::Gone { cause } => format!("gone {cause}"),
    }
}

#[tokio::test]
async fn a_real_postfix_takes_what_it_should_and_each_refusal_has_its_verdict() {
    let postfix = match Postfix::start() {
        Ok(postfix) => postfix,
        Err(reason) => {
            return skip::skip("a_real_postfix_takes_what_it_should_and_each_refusal_has_its_verdict", &reason);
        }
    };
    let (own, none) = (postfix.roots.clone(), RootCertStore::empty());
    let table = [
        ("PLAIN", Security::StartTls, "open sesame", &own, "ops@acme.example", "delivered 250 2.0.0 Ok: queued as"),
        ("LOGIN", Security::StartTls, "open sesame", &own, "ops@acme.example", "delivered 250 2.0.0 Ok: queued as"),
        ("TLS", Security::Tls, "open sesame", &own, "ops@acme.example", "delivered 250 2.0.0 Ok: queued as"),
        ("PLAIN", Security::StartTls, "open sesame", &own, "dead@acme.example", "failed rcpt: 550 5.1.1"),
        ("PLAIN", Security::StartTls, "wrong", &own, "ops@acme.example", "held auth: 535 5.7.8"),
        ("LOGIN", Security::StartTls, "wrong", &own, "ops@acme.example", "held auth: 535 5.7.8"),
        ("PLAIN", Security::StartTls, "", &own, "ops@acme.example", "failed rcpt: 554 5.7.1"),
        ("TLS", Security::Tls, "open sesame", &none, "ops@acme.example", "held connect: TLS: its certificate"),
        ("PLAIN", Security::StartTls, "open sesame", &none, "ops@acme.example", "held starttls: TLS: its certificate"),
    ];
    for (port, security, password, roots, to, expected) in table {
        let mut lane = postfix.account(port, security, password, roots.clone()).lane();
        let got = line(&lane.send(&mail(to)).await);
        lane.rest().await;
        assert!(got.starts_with(expected), "{port} {password:?} {to}: {got}\nexpected: {expected}\n{}", postfix.log());
    }
    let logins = postfix.logins.load(Ordering::SeqCst);
    let account = postfix.account("BARE", Security::StartTls, "open sesame", own.clone());
    let got = line(&account.lane().send(&mail("ops@acme.example")).await);
    assert!(got.starts_with("held starttls: the server does not offer STARTTLS"), "{got}");
    assert_eq!(postfix.logins.load(Ordering::SeqCst), logins, "AUTH offered without TLS is never taken");

    let account = postfix.account("TWO", Security::StartTls, "open sesame", own);
    let (mut first, mut second, mut third) = (account.lane(), account.lane(), account.lane());
    for lane in [&mut first, &mut second] {
        assert!(matches!(lane.send(&mail("ops@acme.example")).await, Outcome::Delivered { .. }), "{}", postfix.log());
    }
    let refused = third.send(&mail("ops@acme.example")).await;
    assert!(line(&refused).starts_with("held greeting: 421 4.7.0") && refused.lacks_room(), "{}", line(&refused));
}
