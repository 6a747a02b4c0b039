//! `cometapi complete`: how a word may go on, a candidate a line, a tab before its help.

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
