//! The program: parses the command line, runs the command, and prints errors.

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use keyfob::cli::Cli;
use keyfob::{cli, environment, telemetry};

// musl's own allocator has one lock for all threads.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command line.
pub fn main() -> ExitCode {
    let (cli, mut problems) = parse();
    problems.extend(telemetry::start().err().into_iter().flatten());
    match run(cli, problems) {
        Ok(code) => code,
        Err(problems) => {
            for problem in problems {
                // `eprintln!` would panic where standard error can't be written.
                let _ = writeln!(std::io::stderr(), "keyfob: {problem}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The command, and what is wrong with the variables: that is the command's to tell.
fn parse() -> (Cli, Vec<String>) {
    let (mut command, mut problems) =
        environment::with_secret_files(environment::without_empty_variables(Cli::command()));
    loop {
        let matches = cli::hide_server_settings(command.clone()).try_get_matches();
        let parsed = matches.and_then(|matches| Cli::from_arg_matches(&matches)).and_then(Cli::checked);
        match parsed {
            Ok(cli) => return (cli, problems),
            Err(error) => match environment::explain(&command, &error) {
                Some((setting, problem)) if !problems.contains(&problem) => {
                    problems.push(problem);
                    command = command.mut_arg(setting, |arg| arg.env(None));
                }
                // A wrong flag, and --help, are the library's to explain.
                _ => error.exit(),
            },
        }
    }
}

fn run(cli: Cli, problems: Vec<String>) -> Result<ExitCode, Vec<String>> {
    for variable in environment::unknown_variables(&Cli::command()) {
        tracing::warn!(%variable, "Keyfob does not know this variable; `keyfob --help` lists those it knows");
    }
    disable_core_dumps();
    raise_open_file_limit();
    actix_web::rt::System::new().block_on(cli::run(cli, problems))
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
