//! B1: the cost of a create request and three polls.

use crate::context::Context;
use crate::report::Row;

#[expect(clippy::unnecessary_wraps, reason = "a signature of all measures")]
pub(crate) fn rows(_: &Context) -> anyhow::Result<Vec<Row>> {
    Ok(vec![Row::skipped(
        "a create request and three polls",
        "not written yet",
    )])
}
