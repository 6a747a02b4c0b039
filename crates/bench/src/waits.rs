//! B3: the memory and the processor time of 50,000 waits.

use crate::context::Context;
use crate::report::Row;

#[expect(clippy::unnecessary_wraps, reason = "a signature of all measures")]
pub(crate) fn rows(_: &Context) -> anyhow::Result<Vec<Row>> {
    Ok(vec![Row::skipped("50,000 waits", "not written yet")])
}
