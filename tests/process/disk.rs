//! Disks that fill up or fail under the running daemon: what was acknowledged is kept, what could not be is refused.

use std::path::PathBuf;
use std::process::Command;

use candor::store::Store;
use candor::store::rows::CaseFilter;

use crate::running::{Folder, Running, until};
use crate::scripted_smtp::ScriptedSmtp;
use crate::skip::{program, skip};

const HOOK: &str = "\n[[hook]]\nname = \"pager\"\nkind = \"native\"\ntoken = \"0123456789abcdef0123456789abcdef\"\n";
const PATH: &str = "/hooks/pager/0123456789abcdef0123456789abcdef";

/// A folder whose state lies in `disk/`, with a hook.
fn hooked(relay: u16) -> Folder {
    let mut folder = Folder::new(relay, "", 1);
    std::fs::create_dir(folder.path("disk")).unwrap();
    let config = folder.read("candor.toml").replace("candor.db", "disk/candor.db");
    folder.write("candor.toml", &format!("{config}{HOOK}"));
    folder.listen();
    folder
}

fn news(incident: &str) -> String {
    let body = "It fails. ".repeat(5_000);
    format!(
        "{{\"incident\": {{\"id\": \"{incident}\", \"title\": \"Payments fail\", \"components\": [\"payments\"]}}, \
         \"update\": {{\"id\": \"u1\", \"body\": \"{body}\"}}}}"
    )
}

/// The incidents that the state holds.
async fn kept(folder: &Folder) -> Vec<String> {
    let store = Store::open_existing(&folder.path("disk/candor.db")).unwrap();
    let rows = store.listed_cases(CaseFilter::All, 1_000).await.unwrap();
    store.close().await;
    let mut incidents: Vec<String> = rows.into_iter().map(|row| row.case.incident).collect();
    incidents.sort();
    incidents
}

/// A file system in memory, gone when it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: PathBuf) -> Option<SmallDisk> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "candor-test"]).arg(&place).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(SmallDisk(place))
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_hooks_until_there_is_room_again() {
    let relay = ScriptedSmtp::polite().await;
    let folder = hooked(relay.port);
    let Some(disk) = SmallDisk::mount(folder.path("disk")) else {
        return skip("a_full_disk_refuses_hooks_until_there_is_room_again", "mounting a tmpfs needs root");
    };
    let mut running = Running::start(&folder);
    until("it is ready", || async { running.said("candor is ready") }).await;
    assert!(folder.post(PATH, &news("before")).starts_with("HTTP/1.1 202"));
    disk.fill();
    for _ in 0..3 {
        let refused = folder.post(PATH, &news("meanwhile")).to_lowercase();
        assert!(refused.starts_with("http/1.1 503") && refused.contains("retry-after: "), "{refused}");
    }
    assert!(folder.get("/readyz").contains("no room left"), "{}", folder.get("/readyz"));
    assert!(folder.get("/healthz").starts_with("HTTP/1.1 200"), "it lives");
    disk.free();
    assert!(folder.post(PATH, &news("after")).starts_with("HTTP/1.1 202"));
    assert!(folder.get("/readyz").starts_with("HTTP/1.1 200"), "{}", folder.get("/readyz"));
    assert_eq!(running.terminate().await, Some(0), "{}", running.words());
    assert_eq!(kept(&folder).await, ["after", "before"]);
    let said = running.words().matches("the pass was not finished").count();
    assert!(said <= 5, "each pass says it once: {}", running.words());
}

/// `fsync` and `fdatasync` fail while the file that `CANDOR_TEST_FAULT` names exists.
const SHIM: &str = r#"
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int is_broken(void) { const char *file = getenv("CANDOR_TEST_FAULT"); return file && access(file, F_OK) == 0; }
int fsync(int fd) { if (is_broken()) { errno = EIO; return -1; } return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { if (is_broken()) { errno = EIO; return -1; } return syscall(SYS_fdatasync, fd); }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_ends_the_daemon_and_nothing_acknowledged_is_lost() {
    let name = "a_failed_sync_ends_the_daemon_and_nothing_acknowledged_is_lost";
    let Some(compiler) = program(&["cc", "gcc", "clang"]) else {
        return skip(name, "a C compiler is missing: it is part of the Debian package gcc");
    };
    let relay = ScriptedSmtp::polite().await;
    let folder = hooked(relay.port);
    folder.write("shim.c", SHIM);
    let (shim, fault) = (folder.path("shim.so"), folder.path("fault"));
    let mut compile = Command::new(compiler);
    compile.args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(folder.path("shim.c"));
    assert!(compile.status().unwrap().success(), "the shim compiles");

    let mut running = Running::start_with(&folder, &[("LD_PRELOAD", &shim), ("CANDOR_TEST_FAULT", &fault)]);
    until("it is ready", || async { running.said("candor is ready") }).await;
    assert!(folder.post(PATH, &news("before")).starts_with("HTTP/1.1 202"));
    folder.write("fault", "");
    let refused = folder.post(PATH, &news("meanwhile"));
    assert!(!refused.contains(" 202 "), "nothing is acknowledged that is not on disk: {refused}");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let code = loop {
        if let Some(code) = running.ended() {
            break code;
        }
        assert!(std::time::Instant::now() < end, "it goes on: {}", running.words());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(code, Some(1), "{}", running.words());
    until("the end is explained", || async { running.said("the store is broken") }).await;

    std::fs::remove_file(&fault).unwrap();
    let mut running = Running::start(&folder);
    until("it is ready", || async { running.said("candor is ready") }).await;
    assert!(folder.post(PATH, &news("after")).starts_with("HTTP/1.1 202"));
    assert_eq!(running.terminate().await, Some(0));
    let kept = kept(&folder).await;
    assert!(["after", "before"].iter().all(|incident| kept.contains(&(*incident).to_owned())), "{kept:?}");
}
