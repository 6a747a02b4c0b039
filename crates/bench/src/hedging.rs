//! B5: the delay until an end is noticed when some polls hang.

use crate::context::Context;
use crate::report::Row;

pub(crate) fn rows(_: &Context) -> anyhow::Result<Vec<Row>> {
    Ok(vec![Row::skipped(
        "delay with polls that hang",
        "not written yet",
    )])
}
