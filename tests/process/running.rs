//! A folder with files of candor, and the binary running on it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use candor::store::Store;
use candor::store::rows::{LedgerFilter, LedgerState};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Folder {
    folder: tempfile::TempDir,
    clients: usize,
    port: u16,
}

impl Folder {
    /// `email` are more keys of `[email]`. The first clients are `c0`, `c1`, …
    pub fn new(relay: u16, email: &str, clients: usize) -> Folder {
        let folder = Folder { folder: tempfile::tempdir().unwrap(), clients, port: 0 };
        folder.write(
            "candor.toml",
            &format!(
                "state = \"candor.db\"\n[sender]\nname = \"Example\"\nemail = \"incidents@example.com\"\n\
                 [[feed]]\nname = \"inbox\"\nkind = \"file\"\npath = \"updates\"\n\
                 [[component]]\nid = \"payments\"\n[email]\nserver = \"smtp://127.0.0.1:{relay}\"\nconnections = 2\n{email}"
            ),
        );
        folder.write("clients.toml", &(0..clients).map(Folder::client).collect::<String>());
        folder.write("playbook.toml", "");
        // Read by the first look of all: what is in the folder then is known, and told to nobody.
        std::fs::create_dir(folder.path("updates")).unwrap();
        folder
    }

    pub fn client(number: usize) -> String {
        format!(
            "[[client]]\nid = \"c{number}\"\nname = \"Client {number}\"\npriorities = [\"payments\"]\n\
             [[client.contact]]\nemail = \"ops@c{number}.example\"\n"
        )
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let scratch = self.path("scratch.tmp");
        std::fs::write(&scratch, text).unwrap();
        std::fs::rename(scratch, self.path(name)).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn words_of(wave: usize, phase: &str) -> String {
        format!(
            "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nphase = \"{phase}\"\nimpact = \"major\"\n\
             components = [\"payments\"]\n[update]\nid = \"u{wave}\"\nbody = \"Wave-{wave}. It goes on.\"\n"
        )
    }

    /// Puts an update into the folder. The first one is known to no look before: the feed has been looked at.
    pub async fn update(&self, wave: usize, phase: &str) {
        if !self.path("candor.db").exists() {
            let mut running = Running::start(self);
            until("the feed has been looked at", || self.was_looked_at()).await;
            running.kill();
        }
        self.write(&format!("updates/{wave:03}.toml"), &Folder::words_of(wave, phase));
    }

    async fn was_looked_at(&self) -> bool {
        let Ok(store) = Store::open_existing(&self.path("candor.db")) else { return false };
        let feed = store.feed("inbox".to_owned()).await;
        store.close().await;
        feed.is_ok_and(|feed| feed.is_some_and(|feed| feed.last_good_at.is_some()))
    }

    /// Contacts with something unsent.
    pub async fn waiting(&self) -> usize {
        let Ok(store) = Store::open_existing(&self.path("candor.db")) else { return usize::MAX };
        let waiting = store.gauges().await.map(|gauges| gauges.pending.iter().map(|p| p.count).sum::<i64>());
        store.close().await;
        waiting.map_or(usize::MAX, |waiting| usize::try_from(waiting).unwrap())
    }

    /// Whether everybody has accepted as many notices as there have been waves.
    pub async fn told(&self, wave: usize) -> bool {
        let Ok(store) = Store::open_existing(&self.path("candor.db")) else { return false };
        let rows = store.deliveries(LedgerFilter::All, 1_000_000).await.unwrap_or_default();
        store.close().await;
        let delivered = rows.iter().filter(|row| row.state == LedgerState::Delivered).count();
        delivered == self.clients * (wave + 1)
    }

    /// Of each delivery that waits, whether it may have arrived.
    pub async fn uncertain(&self) -> Vec<bool> {
        let store = Store::open_existing(&self.path("candor.db")).unwrap();
        let rows = store.deliveries(LedgerFilter::All, 1_000).await.unwrap();
        store.close().await;
        rows.iter().filter(|row| row.state == LedgerState::Pending).map(|row| row.uncertain).collect()
    }

    /// Writes another `rate` for the next start.
    pub fn pace(&self, rate: &str) {
        let config = self.read("candor.toml");
        let lines = config
            .lines()
            .map(|line| if line.starts_with("rate") { format!("rate = \"{rate}\"") } else { line.to_owned() });
        self.write("candor.toml", &lines.map(|line| line + "\n").collect::<String>());
    }

    /// Opens a door for HTTP at a free port.
    pub fn listen(&mut self) {
        self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = self.read("candor.toml");
        self.write("candor.toml", &format!("listen = \"127.0.0.1:{}\"\n{config}", self.port));
    }

    /// The whole answer to a GET.
    pub fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    /// The whole answer to a POST; empty when the connection broke.
    pub fn post(&self, path: &str, body: &str) -> String {
        let length = body.len();
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// The daemon, killed at the latest when it is dropped.
pub struct Running {
    child: Child,
    words: Arc<Mutex<String>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    pub fn start(folder: &Folder) -> Running {
        Running::start_with(folder, &[])
    }

    /// With variables in its environment.
    pub fn start_with(folder: &Folder, variables: &[(&str, &Path)]) -> Running {
        Running::of(command(folder, &["run"]).envs(variables.iter().copied()))
    }

    /// With flags of its own.
    pub fn start_flagged(folder: &Folder, flags: &[&str]) -> Running {
        Running::of(command(folder, &["run"]).args(flags))
    }

    fn of(command: &mut Command) -> Running {
        let mut child = command.spawn().unwrap();
        let words = Arc::new(Mutex::new(String::new()));
        let (mut log, kept) = (child.stderr.take().unwrap(), words.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = log.read(&mut bytes) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Running { child, words }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.pid())).status().unwrap();
        assert!(sent.success(), "{name} could not be sent: {}", self.words());
    }

    /// SIGTERM; its exit status, which has to come within ten seconds.
    pub async fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        let end = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(std::time::Instant::now() < end, "ten seconds after SIGTERM it still runs: {}", self.words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its exit status, when it has ended.
    pub fn ended(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().unwrap().map(|status| status.code())
    }

    /// What it has logged.
    pub fn words(&self) -> String {
        self.words.lock().unwrap().clone()
    }

    pub fn said(&self, word: &str) -> bool {
        self.words().contains(word)
    }
}

fn command(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    command.arg("--config").arg(folder.path("candor.toml")).args(arguments);
    command.env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM").env("NO_COLOR", "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// What a call of the binary that ends by itself came to.
pub struct Ended {
    pub code: Option<i32>,
    /// What it wrote to standard error.
    pub words: String,
}

pub fn candor(folder: &Folder, arguments: &[&str]) -> Ended {
    let output = command(folder, arguments).output().unwrap();
    Ended { code: output.status.code(), words: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// Waits until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, so: impl Fn() -> F) {
    let end = std::time::Instant::now() + PATIENCE;
    while !so().await {
        assert!(std::time::Instant::now() < end, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Random numbers below what is asked for, by a seed that is printed; `$CANDOR_TEST_SEED` repeats a run.
pub fn dice() -> impl FnMut(u64) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let seed = std::env::var("CANDOR_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(random);
    println!("CANDOR_TEST_SEED={seed}");
    let mut state = seed | 1;
    move |below| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}
