//! Job control: a command in the background leaves the terminal alone, and one that Ctrl-Z stops takes the
//! live line away first.

use std::io;
use std::sync::Once;

use nix::unistd::{getpgrp, getsid, tcgetpgrp};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::interrupt;

/// Whether the terminal is this command's. Writing from the background would appear in the middle of what
/// the user types, or stop the process.
pub(super) fn is_in_foreground() -> bool {
    // Of a terminal that does not control the process, nobody is in the foreground.
    tcgetpgrp(io::stderr()).map_or(true, |group| group == getpgrp())
}

/// Whether the system would stop the process if it wrote to the terminal now (`stty tostop`).
pub(super) fn would_stop() -> bool {
    let stops = || {
        let modes = tcgetattr(io::stderr());
        modes.is_ok_and(|modes| modes.local_modes.contains(LocalModes::TOSTOP))
    };
    !is_in_foreground() && stops()
}

/// Takes over the signal of Ctrl-Z, once.
pub(super) fn listen() {
    static LISTENS: Once = Once::new();
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    LISTENS.call_once(|| {
        let number = Signal::TSTP.as_raw();
        // Without a shell that controls jobs, nothing would continue it.
        let is_job = getsid(None).is_ok_and(|session| session != getpgrp());
        if !is_job || interrupt::is_ignored(number.unsigned_abs()) {
            return;
        }
        runtime.spawn(async move {
            let Ok(mut stops) = signal(SignalKind::from_raw(number)) else {
                return;
            };
            while stops.recv().await.is_some() {
                super::stopped(|| {
                    // As the system would have done.
                    let _ = kill_process(getpid(), Signal::STOP);
                });
            }
        });
    });
}
