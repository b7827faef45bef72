//! `candor demo` as a new user sees it: the real program, its output, and what it leaves behind.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// What the contract gives the demo.
const LIMIT: Duration = Duration::from_secs(15);

/// Runs the demo with a folder for passing files of its own; kills it after [`LIMIT`].
fn demo(temporary: &Path, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_candor"))
        .arg("demo")
        .args(arguments)
        .env("TMPDIR", temporary)
        .env("CANDOR_CONFIG", "/nowhere/candor.toml")
        .env_remove("CANDOR_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let id = child.id().to_string();
    let (ended, waits) = std::sync::mpsc::sync_channel::<()>(1);
    let watch = std::thread::spawn(move || {
        if waits.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-9", &id]).status();
        }
    });
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("the program is waited for");
    let _ = ended.send(());
    watch.join().expect("the watch ends");
    output
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = folder
        .read_dir()
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_demo_follows_three_clients_to_the_end_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let output = demo(temporary.path(), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "within {LIMIT:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    for expected in [
        // in both languages, the three parts
        "│ What happened\n",
        "│ Current status\n",
        "│ What you need to do\n",
        "│ Was passiert ist\n",
        "│ Aktueller Stand\n",
        "│ Was Sie tun müssen\n",
        // something to do, taken back at the end
        "│ BITTE HANDELN bis 23:27 Uhr MESZ (21:27 UTC): ",
        "│ 1. Stellen Sie den Nachtlauf wieder auf die Konsole um.\n",
        // the time that its source promised, kept, and who is rightly left alone
        "│ Next word by 15:00 EDT (19:00 UTC), sooner if there is news.",
        "said: by 19:00:00.  The next word came 18:55:49, 4 min early",
        "Umbrella Ltd: not concerned, and told nothing",
        // the closing message of every client
        "│ BEHOBEN um 20:33 Uhr MESZ (18:33 UTC): Compute Engine funktioniert",
        "│ RESOLVED at 14:33 EDT (18:33 UTC): Cloud Console works again.",
        "\"summary\": \"RESOLVED at 03:33 JST",
        // the title stays that of the first notice
        "Subject: Resolved: Global: Some Google Cloud Console Customers are able to",
        // the ledger
        "The ledger of case ",
        "   Acme GmbH, email: 6 notices, 6 receipts\n",
        "   Globex Corporation, email: 6 notices, 6 receipts\n",
        "   Globex Corporation, webhook: 6 notices, 6 receipts\n",
        "   Initech, webhook: 6 notices, 6 receipts\n",
        "   Promises of a next word: 4 made, 4 kept\n",
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in\n{text}");
    }
    // Told with the end, not once more with the report.
    assert_eq!(text.matches("1. Stellen Sie den Nachtlauf wieder auf die Konsole um.").count(), 1);
    assert!(!text.contains('\u{1b}'), "colours are for terminals");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(90), "a line of {widest:?} columns");
    // Rank 0 is no priority that anybody named.
    assert!(!text.contains("priority 0") && !text.contains("Priorität 0"));
    assert_eq!(names_in(temporary.path()), Vec::<String>::new());
}

#[test]
fn what_is_to_be_kept_is_kept_and_nothing_else() {
    let temporary = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("demo");
    let output = demo(temporary.path(), &["--keep", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(names_in(temporary.path()), Vec::<String>::new());
    let names = names_in(&folder);
    for expected in ["candor.db", "candor.toml", "clients.toml", "messages", "playbook.toml"] {
        assert!(names.iter().any(|name| name == expected), "{expected} is not among {names:?}");
    }
    let messages = names_in(&folder.join("messages"));
    let count = |ending: &str| messages.iter().filter(|name| name.ends_with(ending)).count();
    assert_eq!((count(".eml"), count(".json")), (12, 12), "{messages:?}");
    let first = std::fs::read_to_string(folder.join("messages/01-acme.eml")).unwrap();
    assert!(first.contains("\r\nTo: <betrieb@acme.example>\r\n"), "{first}");

    let again = demo(temporary.path(), &["--keep", folder.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2), "a folder that holds something is not written into");
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"));
    assert_eq!(names_in(&folder.join("messages")), messages);
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    use std::io::{BufRead as _, BufReader};

    let temporary = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_candor"))
        .arg("demo")
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    // The state is open and the servers run once there is something to read.
    out.read_line(&mut String::new()).expect("a first line");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there");
    assert!(sent.success());
    std::io::copy(&mut out, &mut std::io::sink()).expect("the rest of the output");
    let status = child.wait().expect("the program ends");
    assert_eq!(status.code(), Some(1), "stopped, not killed, and not done");
    assert_eq!(names_in(temporary.path()), Vec::<String>::new());
}
