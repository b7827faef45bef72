//! Reads a secret at the moment it is used, from where the configuration says.
//!
//! Deliberately absent: any cache (a rotated secret takes effect at once) and the secret in any error.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use secrecy::SecretString;

use crate::domain::client::SecretRef;

/// Larger files are no secrets.
const MOST_BYTES: u64 = 64 * 1024;

/// The secret. `key` is its place in the configuration, such as `email.password`, for the error.
///
/// # Errors
/// There is none where it should be, it cannot be read, or it is empty; the error names `key` and the place.
pub fn resolve(key: &str, reference: &SecretRef) -> Result<SecretString> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    resolve_in(key, reference, folder.as_deref())
}

fn resolve_in(key: &str, reference: &SecretRef, credentials: Option<&Path>) -> Result<SecretString> {
    let text = match reference {
        SecretRef::Credential(name) => {
            let folder = credentials.with_context(|| {
                format!(
                    "{key}: the credential `{name}` is given by systemd only, and $CREDENTIALS_DIRECTORY is not set"
                )
            })?;
            read(&folder.join(name)).with_context(|| format!("{key}: the credential `{name}` cannot be read"))?
        }
        SecretRef::File(path) => {
            read(path).with_context(|| format!("{key}: the secret's file {} cannot be read", path.display()))?
        }
        SecretRef::Env(name) => match std::env::var(name) {
            Ok(text) => text,
            Err(std::env::VarError::NotPresent) => bail!("{key}: the environment variable {name} is not set"),
            Err(std::env::VarError::NotUnicode(_)) => bail!("{key}: the environment variable {name} is not UTF-8 text"),
        },
        SecretRef::Plain(text) => text.clone(),
    };
    let text = without_final_newline(text);
    if text.is_empty() {
        bail!("{key}: the secret is empty");
    }
    Ok(SecretString::from(text))
}

fn read(path: &Path) -> Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > MOST_BYTES {
        bail!("it has {size} bytes; a secret has at most {MOST_BYTES}");
    }
    let bytes = std::fs::read(path)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) => bail!("it is not UTF-8 text"),
    }
}

/// Editors and `echo` end a file with a newline (CRLF on some systems), which is no part of the secret.
fn without_final_newline(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn check(contents: &[u8], expected: Result<&str, &str>) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("smtp"), contents).expect("a file");
        for reference in [SecretRef::File(folder.path().join("smtp")), SecretRef::Credential("smtp".into())] {
            let found = resolve_in("email.password", &reference, Some(folder.path()));
            match (&found, expected) {
                (Ok(found), Ok(secret)) => assert_eq!(found.expose_secret(), secret),
                (Err(error), Err(part)) => {
                    let text = format!("{error:#}");
                    assert!(text.contains(part) && text.contains("email.password"), "{text} lacks {part}");
                }
                (found, expected) => panic!("found {found:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn one_final_newline_is_no_part_of_a_secret() {
        check(b"hunter2", Ok("hunter2"));
        check(b"hunter2\n", Ok("hunter2"));
        check(b"hunter2\r\n", Ok("hunter2"));
        check(b"hunter2\n\n", Ok("hunter2\n"));
        check(b" hunter2 ", Ok(" hunter2 "));
    }

    #[test]
    fn an_empty_or_foreign_file_is_no_secret() {
        check(b"", Err("is empty"));
        check(b"\n", Err("is empty"));
        check(b"\xff\xfe", Err("not UTF-8"));
        check(&vec![b'a'; 70_000], Err("70000 bytes"));
    }

    #[test]
    fn what_is_not_there_is_named_without_its_value() {
        let missing = SecretRef::Env("CANDOR_TEST_NO_SUCH_VARIABLE".into());
        let error = resolve_in("hook[0].secret", &missing, None).expect_err("is not set");
        assert_eq!(
            error.to_string(),
            "hook[0].secret: the environment variable CANDOR_TEST_NO_SUCH_VARIABLE is not set"
        );
        let error = resolve_in("webhook.key", &SecretRef::Credential("k".into()), None).expect_err("no folder");
        assert!(error.to_string().contains("$CREDENTIALS_DIRECTORY"), "{error}");
    }
}
