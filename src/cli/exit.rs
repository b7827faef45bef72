//! The exit statuses that scripts rely on.

use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// It failed; also an unknown id, something unreachable, no permission.
    Failed,
    /// The call, the configuration or the update is wrong.
    Wrong,
    /// With `--wait`: some client was not reached, or nobody was concerned.
    NotReached,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Wrong => 2,
            Exit::NotReached => 3,
        })
    }
}
