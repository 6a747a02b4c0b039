//! B2: predictions per second, many at once.

use crate::context::Context;
use crate::report::Row;

#[expect(clippy::unnecessary_wraps, reason = "a signature of all measures")]
pub(crate) fn rows(_: &Context) -> anyhow::Result<Vec<Row>> {
    Ok(vec![Row::skipped(
        "predictions per second",
        "not written yet",
    )])
}
