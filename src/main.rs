//! Reads the command line, runs, and says in one sentence why it can't.

use std::process::ExitCode;

use clap::Parser;
use keyfob::{cli, telemetry};

fn main() -> ExitCode {
    telemetry::start();
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
