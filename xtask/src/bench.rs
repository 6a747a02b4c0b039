//! `cargo xtask bench`, which is a package of its own: it needs the clients, and this command must
//! build when they do not.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::package::start;

/// Measure speed, memory and cost side by side, and print a table.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Options of the measures themselves; `cargo xtask bench --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    writeln!(
        io::stderr(),
        "building the measures (some minutes when nothing is built yet)"
    )?;
    start(
        root,
        "bench",
        profile(&options.arguments),
        &options.arguments,
    )
}

/// Numbers that count need the build that a user gets. `--quick` only proves that the measures run, and
/// shares its dependencies with the tests: an optimized build would take minutes more.
fn profile(arguments: &[OsString]) -> &'static [&'static str] {
    if arguments.iter().any(|it| it == "--quick") {
        &["--locked"]
    } else {
        &["--locked", "--profile", "measure"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_count_need_an_optimized_build() {
        let is_optimized = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
            profile(&arguments).contains(&"measure")
        };
        assert!(is_optimized(&[]));
        assert!(is_optimized(&["b1", "--json", "quick"]));
        assert!(!is_optimized(&["b1", "--quick"]));
    }
}
