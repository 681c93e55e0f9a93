//! Reads the command line, runs, and says in one sentence why it can't.

use std::process::ExitCode;

use clap::Parser;
use keyfob::{cli, telemetry};

fn main() -> ExitCode {
    telemetry::start();
    no_core_dumps();
    many_connections();
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

/// Every connection takes two descriptors, and the usual 1,024 are soon taken.
fn many_connections() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit on open files can't be raised");
    }
}

/// A core dump would hold passwords and keys that are being worked on.
fn no_core_dumps() {
    if let Err(error) = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0) {
        tracing::warn!(%error, "core dumps can't be switched off");
    }
}
