//! The door: arguments in, exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    candor::cli::main()
}
