//! The `nameplate` command, built with the tests so that they find it.

use std::process::ExitCode;

fn main() -> ExitCode {
    nameplate_runtime::cli::run(std::env::args_os())
}
