//! A command that prints a secret, such as that of a password manager.

use std::io::{self, Read};
use std::process::{Command, Stdio};

use super::secret::Secret;
use crate::failure::Failure;

/// The most that is kept of the output, in bytes.
const MAX_OUTPUT: u64 = 64 * 1024;

/// Runs `command`, which `variable` holds, in a shell. The secret is the first line of its stdout.
///
/// Its stderr is ours, and it may ask the user something on the terminal, so it takes as long as it
/// takes. Ctrl-C ends both processes: the terminal sends it to both, and this one takes signals over
/// only later. Its stdin is empty, because ours may hold the input or the rows of a batch.
pub(super) fn run(variable: &str, command: &str) -> Result<Secret, Failure> {
    let cannot_run = |e: io::Error| {
        Failure::usage(format!("the command in {variable} cannot be run")).caused_by(&e)
    };
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(cannot_run)?;
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout
            .by_ref()
            .take(MAX_OUTPUT)
            .read_to_end(&mut output)
            // It may have more to print before it ends.
            .and_then(|_| io::copy(&mut stdout, &mut io::sink()))
            .map_err(cannot_run)?;
    }
    let status = child.wait().map_err(cannot_run)?;
    if !status.success() {
        let failure = Failure::usage(format!("the command in {variable} failed ({status})"));
        return Err(failure.with_advice("run it by itself to see why"));
    }
    let first = output.split(|byte| *byte == b'\n').next();
    let secret = first.and_then(|line| Secret::of(std::str::from_utf8(line).ok()?));
    // What it printed may be most of a secret: not shown.
    secret.ok_or_else(|| {
        Failure::usage(format!(
            "the command in {variable} printed no text in its first line"
        ))
        .with_advice("its stdout must begin with the secret")
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn ran(command: &str) -> Result<String, String> {
        match run("COMETAPI_KEY_COMMAND", command) {
            Ok(secret) => Ok(secret.expose().to_owned()),
            Err(failure) => Err(failure.to_string()),
        }
    }

    #[test]
    fn the_first_line_is_the_secret() {
        for command in [
            "echo sk-1",
            "printf sk-1",
            "printf ' sk-1 \\r\\n'",
            "printf 'sk-1\\nlogin: me\\n'",
            "echo sk-1; head -c 1000000 /dev/zero",
            "echo sk-1; cat",
        ] {
            assert_eq!(ran(command), Ok("sk-1".to_owned()), "{command}");
        }
    }

    #[test]
    fn what_fails_or_prints_nothing_is_refused_without_its_output() {
        for (command, why) in [
            ("echo sk-1; exit 3", "failed (exit status: 3)"),
            ("echo sk-1; kill -9 $$", "failed (signal: 9"),
            ("true", "printed no text in its first line"),
            ("echo; echo sk-1", "printed no text in its first line"),
            ("printf 'sk-1\\377\\n'", "printed no text in its first line"),
        ] {
            let refused = ran(command).unwrap_err();
            assert!(refused.contains(why), "{command}: {refused}");
            assert!(refused.contains("COMETAPI_KEY_COMMAND"), "{refused}");
            assert!(!refused.contains("sk-1"), "{refused}");
        }
    }
}
