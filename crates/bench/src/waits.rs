//! B3: the memory and the processor time of 50,000 waits.

use crate::context::Context;
use crate::report::Row;

pub(crate) fn rows(_: &Context) -> anyhow::Result<Vec<Row>> {
    Ok(vec![Row::skipped("50,000 waits", "not written yet")])
}
