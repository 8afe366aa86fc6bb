//! The `nameplate` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    nameplate_runtime::cli::run(std::env::args_os())
}
