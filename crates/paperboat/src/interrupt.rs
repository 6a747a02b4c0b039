//! The signals that ask a command to end.

use std::fmt;
use std::future::Future;

use crate::exit;

/// A request to end, from the user or from the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM: a service manager, a container or a CI job ends the process.
    Terminate,
    /// SIGHUP: the terminal was closed.
    HangUp,
}

impl Signal {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => exit::INTERRUPTED,
            Self::Terminate => exit::TERMINATED,
            Self::HangUp => exit::HUNG_UP,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "ctrl-c",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// Signals, received without a gap from [`listen`](Self::listen) on.
pub(crate) struct Signals {
    sources: Sources,
    received: Received,
}

impl Signals {
    /// Takes the signals over from the system; one that is ignored, as SIGHUP is under `nohup` and
    /// SIGINT in the background of a script, stays ignored. Must be called in a runtime, and once per command: a signal that arrives
    /// while no [`Signals`] exist is lost.
    pub(crate) fn listen() -> Self {
        Self {
            sources: Sources::listen(),
            received: Received::default(),
        }
    }

    /// Waits for the next signal that says something new. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Signal {
        loop {
            let signal = self.sources.next().await;
            if self.received.is_news(signal) {
                return signal;
            }
        }
    }

    /// Returns `future`'s output, or the first signal if it arrives earlier.
    pub(crate) async fn unless<T>(&mut self, future: impl Future<Output = T>) -> Result<T, Signal> {
        tokio::select! {
            output = future => Ok(output),
            signal = self.next() => Err(signal),
        }
    }
}

/// The signals so far.
///
/// A second signal ends a command at once, so it must be meant as one: a closed terminal sends
/// SIGHUP both through the kernel and through the shell, and systemd sends SIGTERM beside it.
#[derive(Default)]
struct Received {
    hang_up: bool,
    terminate: bool,
}

impl Received {
    fn is_news(&mut self, signal: Signal) -> bool {
        match signal {
            Signal::Interrupt => true,
            Signal::Terminate => std::mem::replace(&mut self.terminate, true) || !self.hang_up,
            Signal::HangUp => !std::mem::replace(&mut self.hang_up, true) && !self.terminate,
        }
    }
}

#[cfg(unix)]
use self::unix::Sources;
#[cfg(unix)]
pub(crate) use self::unix::is_ignored;

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::future::poll_fn;
    use std::process::{Command, Stdio};
    use std::task::Poll;

    use tokio::signal::unix::{Signal as Source, SignalKind, signal};

    use super::Signal;

    /// Each signal with its number, which is the same on every Unix.
    const SIGNALS: [(Signal, u32); 3] = [
        (Signal::Interrupt, 2),
        (Signal::Terminate, 15),
        (Signal::HangUp, 1),
    ];

    /// A signal that cannot be taken over still ends the process, by the system's default.
    pub(super) struct Sources([(Signal, Option<Source>); 3]);

    impl Sources {
        pub(super) fn listen() -> Self {
            Self(SIGNALS.map(|(name, number)| {
                let kind = match name {
                    Signal::Interrupt => SignalKind::interrupt(),
                    Signal::Terminate => SignalKind::terminate(),
                    Signal::HangUp => SignalKind::hangup(),
                };
                let source = (!is_ignored(number)).then(|| signal(kind).ok()).flatten();
                (name, source)
            }))
        }

        #[cfg(test)]
        pub(super) fn receives(&self, signal: Signal) -> bool {
            let mut sources = self.0.iter();
            sources.any(|(name, source)| *name == signal && source.is_some())
        }

        pub(super) async fn next(&mut self) -> Signal {
            poll_fn(|context| {
                for (signal, source) in &mut self.0 {
                    let received = source.as_mut().map(|source| source.poll_recv(context));
                    if let Some(Poll::Ready(Some(()))) = received {
                        return Poll::Ready(*signal);
                    }
                }
                Poll::Pending
            })
            .await
        }
    }

    /// Whether the process ignores the signal, as it inherited it.
    pub(crate) fn is_ignored(number: u32) -> bool {
        match fs::read_to_string("/proc/self/status") {
            Ok(status) => ignores(&status, number),
            Err(_) => is_inherited_ignored(number),
        }
    }

    /// Without Linux's `/proc`: a child process inherits what is ignored, so a signal that a shell
    /// sends itself ends it, or does not.
    fn is_inherited_ignored(number: u32) -> bool {
        Command::new("sh")
            .args(["-c", &format!("kill -{number} $$")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Whether the process with this `/proc/PID/status` ignores the signal.
    pub(super) fn ignores(status: &str, signal: u32) -> bool {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    }
}

#[cfg(windows)]
struct Sources(Option<tokio::signal::windows::CtrlC>);

#[cfg(windows)]
impl Sources {
    fn listen() -> Self {
        Self(tokio::signal::windows::ctrl_c().ok())
    }

    async fn next(&mut self) -> Signal {
        match &mut self.0 {
            Some(source) if source.recv().await.is_some() => Signal::Interrupt,
            // It cannot be taken over, so the system still ends the process by it.
            _ => std::future::pending().await,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::{Command, id};

    use super::unix::ignores;
    use super::*;

    /// One test, because a signal reaches every test of the process. Were one not taken over
    /// from `listen` on, it would end the tests.
    #[tokio::test]
    async fn signals_sent_before_they_are_awaited_are_received() {
        for signal in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
            let mut signals = Signals::listen();
            // One that is ignored stays ignored, as SIGINT is in the background of a script.
            if !signals.sources.receives(signal) {
                continue;
            }
            let name = match signal {
                Signal::Interrupt => "INT",
                Signal::Terminate => "TERM",
                Signal::HangUp => "HUP",
            };
            let kill = format!("kill -{name} {}", id());
            let sent = Command::new("sh").args(["-c", &kill]).status();
            assert!(sent.unwrap().success());
            assert_eq!(signals.next().await, signal);
        }
    }

    #[test]
    fn only_a_signal_that_can_be_meant_as_a_second_one_counts_as_one() {
        use Signal::{HangUp, Interrupt, Terminate};
        for (received, news) in [
            ([Interrupt, Interrupt, Terminate], [true, true, true]),
            ([Terminate, Terminate, HangUp], [true, true, false]),
            ([HangUp, HangUp, HangUp], [true, false, false]),
            ([HangUp, Terminate, Terminate], [true, false, true]),
            ([HangUp, Interrupt, HangUp], [true, true, false]),
            ([Interrupt, HangUp, Terminate], [true, true, false]),
        ] {
            let mut so_far = Received::default();
            assert_eq!(received.map(|signal| so_far.is_news(signal)), news);
        }
    }

    #[test]
    fn an_ignored_signal_is_read_from_the_mask() {
        let status = "Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n";
        assert!(ignores(status, 1));
        assert!(ignores(status, 13));
        assert!(!ignores(status, 15));
        assert!(!ignores("Name:\tx\n", 1));
    }
}
