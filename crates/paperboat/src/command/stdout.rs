//! The file of a prediction on stdout.

use std::io::{self, IsTerminal, Write};

use cometapi::{Error, OutputFile, OutputText};

/// Why a file was not written to stdout.
pub(super) enum NotWritten {
    /// It could not be fetched.
    Fetched(Error),
    /// Stdout does not take what there is.
    Refused(String),
}

/// Writes the only file of an output to stdout. Returns its size in bytes.
pub(super) async fn write(
    files: &[OutputFile],
    text: Option<&OutputText>,
) -> Result<u64, NotWritten> {
    let refused = |why: &str| Err(NotWritten::Refused(why.to_owned()));
    let ([file], None) = (files, text) else {
        return refused("the output is more than one file");
    };
    if io::stdout().is_terminal() {
        return refused("stdout is a terminal, which cannot show a file");
    }
    let bytes = file.bytes().await.map_err(NotWritten::Fetched)?;
    let mut out = io::stdout().lock();
    // A reader that is gone does not have the file either.
    let written = out.write_all(&bytes).and_then(|()| out.flush());
    match written {
        Ok(()) => Ok(bytes.len() as u64),
        Err(e) => Err(NotWritten::Refused(format!(
            "stdout did not take the file ({e})"
        ))),
    }
}
