//! Rows that are lines.

use std::io::{self, BufRead, Read};

use crate::rows::content::without_mark;
use crate::rows::problem::{Problem, too_long};
use crate::rows::row::RowResult;

/// Reads each line that holds more than whitespace with `parse`, which takes its number and its text
/// without a mark and without whitespace around it.
pub(super) fn read(
    mut text: impl BufRead,
    max: usize,
    mut parse: impl FnMut(u64, &[u8]) -> RowResult,
    visit: &mut dyn FnMut(RowResult) -> bool,
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        // With the line break of a row of the greatest length.
        let limit = (max as u64).saturating_add(1);
        if (&mut text).take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() > max && line.last() != Some(&b'\n') {
            text.skip_until(b'\n')?;
            if !visit(Err(vec![Problem::new(number, None, too_long(max))])) {
                break;
            }
            continue;
        }
        // Files that were put together may each have their mark.
        let row = without_mark(&line).trim_ascii();
        if !row.is_empty() && !visit(parse(number, row)) {
            break;
        }
    }
    Ok(())
}
