//! `paperboat complete`: completions of a word, one per line, a tab before its help.

use crate::args::Complete;
use crate::complete::candidates;
use crate::failure::Failure;
use crate::print;

pub(crate) fn execute(args: &Complete) -> Result<(), Failure> {
    for candidate in candidates(&args.before, &args.word) {
        print::document(candidate)?;
    }
    Ok(())
}
