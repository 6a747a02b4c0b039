//! Whether a tokio runtime is there, without which timers and sockets panic.

use tokio::runtime::Handle;

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;

/// Checks that the calling thread is in a tokio runtime.
///
/// # Errors
///
/// [`ErrorKind::Config`] if it is not.
pub(crate) fn check() -> Result<(), Error> {
    Handle::try_current().map(drop).map_err(|_| {
        Error::new(
            ErrorKind::Config,
            "no tokio runtime is running on this thread: await the call in an async function \
             under #[tokio::main], or enter a runtime first",
        )
    })
}
