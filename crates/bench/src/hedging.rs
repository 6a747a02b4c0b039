//! B5: the delay until an end is noticed when some polls hang.

use crate::context::Context;
use crate::report::Row;

#[expect(clippy::unnecessary_wraps, reason = "a signature of all measures")]
pub(crate) fn rows(_: &Context) -> anyhow::Result<Vec<Row>> {
    Ok(vec![Row::skipped(
        "delay with polls that hang",
        "not written yet",
    )])
}
