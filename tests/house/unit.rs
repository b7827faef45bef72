//! The systemd unit: what systemd itself says of its sandbox and its keys.

use std::process::Command;

use crate::skip::{program, skip};
use crate::tree::{root, text};

const UNIT: &str = "systemd/candor.service";
const NO_SYSTEMD: &str = "systemd-analyze is missing: it is part of the Debian package systemd";

#[test]
fn the_unit_is_exposed_to_1_1_at_most() {
    let Some(systemd_analyze) = program(&["systemd-analyze"]) else {
        return skip("the_unit_is_exposed_to_1_1_at_most", NO_SYSTEMD);
    };
    let verdict = Command::new(systemd_analyze)
        .args(["security", "--offline=true", "--threshold=11", "--no-pager", UNIT])
        .current_dir(root())
        .output()
        .expect("systemd-analyze starts");
    let said = String::from_utf8_lossy(&verdict.stdout);
    assert!(said.contains("Overall exposure level"), "{said}{}", String::from_utf8_lossy(&verdict.stderr));
    assert!(verdict.status.success(), "{said}");
}

#[test]
fn systemd_knows_every_key_of_the_unit() {
    let Some(systemd_analyze) = program(&["systemd-analyze"]) else {
        return skip("systemd_knows_every_key_of_the_unit", NO_SYSTEMD);
    };
    // The program need not be installed for this, so another one stands in for it.
    let unit = text(UNIT).expect("the unit is there").replace("/usr/bin/candor ", "/bin/true ");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("candor.service");
    std::fs::write(&copy, unit).expect("the copy can be written");
    let verdict = Command::new(systemd_analyze)
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(&copy)
        .output()
        .expect("systemd-analyze starts");
    let said = String::from_utf8_lossy(&verdict.stderr);
    let about_ours: Vec<_> = said.lines().filter(|line| line.contains("candor.service")).collect();
    assert!(about_ours.is_empty() && verdict.status.success(), "{said}");
}

#[test]
fn the_unit_holds_what_users_rely_on() {
    let unit = text(UNIT).expect("the unit is there");
    for line in [
        "Type=notify",
        "WatchdogSec=30s",
        "DynamicUser=yes",
        "StateDirectory=candor",
        "RestartPreventExitStatus=2",
        "ExecStart=/usr/bin/candor --config /etc/candor/candor.toml",
        "ExecReload=/bin/sh -c 'kill -HUP $MAINPID'",
    ] {
        assert!(unit.lines().any(|written| written == line), "the unit lacks {line}");
    }
}
