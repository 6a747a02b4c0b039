//! Panics of code that is not ours, as errors, without their noise.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The hook is the whole process's: one at a time may borrow it.
static HOOK: Mutex<()> = Mutex::new(());

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Runs `work`; a panic in it is given back in words. Other threads' panics are reported as
/// ever meanwhile, and the hook that was there is there again afterwards.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let guard = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let previous: Arc<Hook> = Arc::new(panic::take_hook());
    let here = thread::current().id();
    let others = Arc::clone(&previous);
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == here {
            PLACE.set(info.location().map(|place| {
                // The last part only: the rest is a path of the machine.
                let file = place.file().rsplit(['/', '\\']).next().unwrap_or_default();
                format!("{file}:{}", place.line())
            }));
        } else {
            others(info);
        }
    }));
    // What `work` may have left half done is dropped with it.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    drop(panic::take_hook());
    // Ours held the other handle and is gone, so that this one is the last.
    if let Some(previous) = Arc::into_inner(previous) {
        panic::set_hook(previous);
    }
    drop(guard);
    result.map_err(|payload| {
        let words = words(payload.as_ref());
        match PLACE.take() {
            Some(place) => format!("it panicked at {place}: {words}"),
            None => format!("it panicked: {words}"),
        }
    })
}

fn words(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_panic_becomes_words_and_the_hook_comes_back() {
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        let before = panic::take_hook();
        panic::set_hook(Box::new(|_| {
            SEEN.fetch_add(1, Ordering::SeqCst);
        }));

        let error = catch(|| -> u8 { panic!("no luck with {}", 7) }).unwrap_err();
        let silent = SEEN.load(Ordering::SeqCst);
        catch(|| thread::spawn(|| panic!("elsewhere")).join().unwrap_err()).unwrap();
        let elsewhere = SEEN.load(Ordering::SeqCst);
        panic::catch_unwind(|| panic!("afterwards")).unwrap_err();
        let afterwards = SEEN.load(Ordering::SeqCst);

        panic::set_hook(before);
        assert!(
            error.starts_with("it panicked at catch_panic.rs:"),
            "{error}"
        );
        assert!(error.ends_with(": no luck with 7"), "{error}");
        assert_eq!([silent, elsewhere, afterwards], [0, 1, 2]);
    }
}
