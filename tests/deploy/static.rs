//! The program once more, to be linked without a library of the system. An example is built with
//! the features that tests ask of libraries, so that everything it is linked from is there already.

#[path = "../../src/main.rs"]
mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::main()
}
