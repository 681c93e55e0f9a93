//! The program: parses the command line, runs the command, and prints errors.

use std::process::ExitCode;

use clap::Parser;
use keyfob::{cli, telemetry};

fn main() -> ExitCode {
    telemetry::start();
    disable_core_dumps();
    raise_open_file_limit();
    let cli = cli::Cli::parse();
    match actix_web::rt::System::new().block_on(cli::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            for problem in problems {
                eprintln!("keyfob: {problem}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Raises the soft limit on open files to the hard one: a connection takes two
/// descriptors, and the usual 1,024 are too few.
fn raise_open_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit on open files can't be raised");
    }
}

/// Disables core dumps, which would contain passwords and keys in memory.
fn disable_core_dumps() {
    if let Err(error) = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0) {
        tracing::warn!(%error, "core dumps can't be switched off");
    }
}
