//! Why no connection was made, and whether another attempt can make one.

use std::error::Error as StdError;
use std::io;

/// Whether a connection that was not made may be made by another attempt. A certificate that
/// is not trusted, a proxy that wants a login and a scheme that nothing speaks stay as they
/// are; a name that is not found, a refusal and a handshake that breaks off may pass.
pub(crate) fn can_be_retried(error: &(dyn StdError + 'static)) -> bool {
    causes(error).all(|cause| !is_permanent(cause))
}

/// The errors that caused `error`, outermost first, beginning with itself.
pub fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| {
        let error = *error;
        // The source of an I/O error is that of the error it was made from, not that error.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
        inner.or_else(|| error.source())
    })
}

fn is_permanent(cause: &(dyn StdError + 'static)) -> bool {
    /// What the libraries below say; their types are private to them.
    const PERMANENT: [&str; 5] = [
        "invalid peer certificate",
        "certificate verify failed",
        "proxy authorization required",
        "scheme is not http",
        "unknown proxy scheme",
    ];
    // No service and no prompt is quoted in the errors of a connection that was not made.
    let text = cause.to_string();
    PERMANENT.iter().any(|known| text.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_below_decides() {
        let inner = io::Error::other("invalid peer certificate: UnknownIssuer");
        assert!(!can_be_retried(&io::Error::other(inner)));
        for kind in [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::TimedOut,
        ] {
            assert!(can_be_retried(&io::Error::from(kind)));
        }
    }
}
