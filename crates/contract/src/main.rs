//! `cargo xtask contract` runs this.

use std::process::ExitCode;

fn main() -> ExitCode {
    contract::main()
}
