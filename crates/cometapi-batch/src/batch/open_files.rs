//! How many rows fit into this process's limit of open files.

/// What a row in flight needs at most: two connections to the service (a poll and a hedged one),
/// one to the file's host, the file.
const EACH: u64 = 4;

/// What is left for the rest: the ledger's files, name resolution, the caller.
const SPARE: u64 = 16;

/// The number of rows that fit, and the limit, where `concurrency` rows do not fit.
pub(crate) fn fit(concurrency: usize) -> Option<(usize, u64)> {
    let limit = limit()?;
    let rows = rows(limit, opened());
    (rows < concurrency).then_some((rows, limit))
}

fn rows(limit: u64, opened: u64) -> usize {
    let rows = limit.saturating_sub(opened).saturating_sub(SPARE) / EACH;
    usize::try_from(rows).unwrap_or(usize::MAX).max(1)
}

/// The soft limit; `None` where there is none.
#[cfg(unix)]
fn limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn limit() -> Option<u64> {
    None
}

/// How many are open now, where the system says so.
fn opened() -> u64 {
    std::fs::read_dir("/dev/fd").map_or(SPARE, |entries| entries.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fit_into_what_is_left() {
        assert_eq!(rows(100, 16), 17);
        assert_eq!(rows(1024, 24), 246);
        // Not even one fits: one row is tried, and waits for files to be closed.
        assert_eq!(rows(20, 16), 1);
        assert_eq!(rows(0, 99), 1);
    }
}
