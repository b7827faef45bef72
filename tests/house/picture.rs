//! `tests/picture`: a page becomes a picture as wide as asked, as high as the page, light or dark.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skip::{program, skip};
use crate::tree::root;

const PAGE: &str = "<!doctype html><html><head><meta name=\"viewport\" content=\"width=device-width\"><style>
body { background: #fff } @media (prefers-color-scheme: dark) { body { background: #111 } }
</style></head><body><div style=\"height: 700px\">RESOLVED</div></body></html>";

/// Width and height of a PNG, which its first chunk begins with (PNG specification, 11.2.2 IHDR).
fn size_of(picture: &[u8]) -> (u32, u32) {
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"), "not a PNG");
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

fn picture_of(page: &Path, folder: &Path, width: &str, look: &str) -> Vec<u8> {
    let out: PathBuf = folder.join(format!("{width}-{look}.png"));
    let made = Command::new(root().join("tests/picture")).arg(page).arg(&out).args([width, look]).output();
    let made = made.expect("tests/picture starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read(out).expect("the picture is there")
}

#[test]
fn a_page_becomes_a_picture_as_wide_as_asked_and_as_high_as_it_is() {
    if program(&["chromium", "chromium-browser", "google-chrome"]).is_none() {
        return skip(
            "a_page_becomes_a_picture_as_wide_as_asked_and_as_high_as_it_is",
            "chromium is missing: it is the Debian package chromium",
        );
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("page.html");
    std::fs::write(&page, PAGE).expect("the page can be written");
    let light = picture_of(&page, folder.path(), "320", "light");
    let dark = picture_of(&page, folder.path(), "320", "dark");
    assert_eq!(size_of(&light).0, 320);
    assert!((700..800).contains(&size_of(&light).1), "{:?}", size_of(&light));
    assert_eq!(size_of(&light), size_of(&dark));
    assert_ne!(light, dark, "prefers-color-scheme made no difference");
}
