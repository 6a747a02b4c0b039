//! The same work many times, some of it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::JoinSet;

/// Runs `work` `count` times, at most `at_once` at a time. The first error ends it.
pub(crate) async fn repeat<F>(
    count: u32,
    at_once: u32,
    work: impl Fn(u32) -> F + Clone + Send + Sync + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let next = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::<anyhow::Result<()>>::new();
    for _ in 0..at_once {
        let (next, work) = (Arc::clone(&next), work.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                work(number).await?;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use anyhow::ensure;

    use super::*;

    #[tokio::test]
    async fn each_number_is_worked_on_once_and_an_error_ends_it() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let work = |last: u32| {
            let seen = Arc::clone(&seen);
            move |number| {
                seen.lock().unwrap().push(number);
                async move {
                    ensure!(number < last, "{number} is too much");
                    Ok(())
                }
            }
        };
        repeat(5, 2, work(5)).await.unwrap();
        let mut numbers = std::mem::take(&mut *seen.lock().unwrap());
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        let error = repeat(5, 2, work(3)).await.unwrap_err();
        assert_eq!(error.to_string(), "3 is too much");
    }
}
