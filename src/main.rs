//! The `flatout` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    flatout::cli::run()
}
