//! What a region of this process costs: time, processor time, peak memory.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::pairs::Readings;

/// A region of code that is being measured.
#[derive(Debug)]
pub(crate) struct Region {
    began: Instant,
    processor: Option<Duration>,
    memory: Option<f64>,
}

impl Region {
    pub(crate) fn start() -> Self {
        Self {
            memory: status_bytes("VmRSS:"),
            processor: processor_time(),
            began: Instant::now(),
        }
    }

    /// Ends the region and returns its readings:
    ///
    /// - `wall`: seconds
    /// - `processor`: seconds of processor time of all threads; missing on Windows
    /// - `peak`: bytes, the largest resident memory of the process since it began; Linux only
    /// - `growth`: bytes, by how much `peak` exceeds the memory at the start of the region
    pub(crate) fn end(self) -> Readings {
        let wall = self.began.elapsed();
        let processor = processor_time()
            .zip(self.processor)
            .map(|(end, start)| end.saturating_sub(start));
        let peak = peak_memory();
        let mut readings = Readings::default();
        readings.set("wall", wall.as_secs_f64());
        readings.set_some("processor", processor.map(|it| it.as_secs_f64()));
        readings.set_some("peak", peak);
        let growth = peak.zip(self.memory).map(|(peak, start)| peak - start);
        readings.set_some("growth", growth);
        readings
    }
}

/// Returns the processor time of all threads of this process, also those that have ended.
fn processor_time() -> Option<Duration> {
    usage::of_this_process().map(|(processor, _)| processor)
}

#[cfg(unix)]
mod usage {
    use std::time::Duration;

    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;

    pub(super) fn of_this_process() -> Option<(Duration, f64)> {
        of(UsageWho::RUSAGE_SELF)
    }

    pub(super) fn of_children() -> Option<(Duration, f64)> {
        of(UsageWho::RUSAGE_CHILDREN)
    }

    /// The processor time, and the largest resident memory in bytes.
    fn of(who: UsageWho) -> Option<(Duration, f64)> {
        let usage = getrusage(who).ok()?;
        let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
        // macOS counts bytes, the others kilobytes.
        let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let peak = (usage.max_rss() * unit) as f64;
        Some((Duration::from_micros(microseconds.try_into().ok()?), peak))
    }
}

#[cfg(not(unix))]
mod usage {
    use std::time::Duration;

    pub(super) fn of_this_process() -> Option<(Duration, f64)> {
        None
    }

    pub(super) fn of_children() -> Option<(Duration, f64)> {
        None
    }
}

/// Runs a program to its end and returns what it cost, with the names of [`Region::end`].
///
/// `peak` is that of the largest program that this process has run, and at least the memory of
/// this process: measure programs that are small in a side of their own.
pub(crate) fn program(command: &mut Command) -> anyhow::Result<Readings> {
    let before = usage::of_children();
    let began = Instant::now();
    let output = command.output().context("a program cannot be started")?;
    let wall = began.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{said}",
        output.status
    );
    let after = usage::of_children();
    let mut readings = Readings::default();
    readings.set("wall", wall.as_secs_f64());
    let processor = after
        .zip(before)
        .map(|(after, before)| after.0.saturating_sub(before.0));
    readings.set_some("processor", processor.map(|it| it.as_secs_f64()));
    readings.set_some("peak", after.map(|it| it.1));
    Ok(readings)
}

/// Returns the processor time of the running threads of a process, in seconds: all, or those of one
/// name. `process` is `self` or a number. Linux only.
pub(crate) fn thread_time(process: &str, name: Option<&str>) -> Option<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let task = task.ok()?.path();
        let is_meant = match name {
            Some(name) => fs::read_to_string(task.join("comm")).ok()?.trim() == name,
            None => true,
        };
        if is_meant {
            let line = fs::read_to_string(task.join("schedstat")).ok()?;
            nanoseconds += line.split(' ').next()?.parse::<f64>().ok()?;
        }
    }
    Some(nanoseconds / 1e9)
}

/// Returns the largest resident memory of this process so far, in bytes. Linux only.
fn peak_memory() -> Option<f64> {
    status_bytes("VmHWM:")
}

fn status_bytes(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = value.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// Raises the limit of open files as far as this process may, for thousands of connections.
pub(crate) fn raise_open_files() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};

        // Where it is refused, the old limit stays; what needs more fails and says so.
        if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_region_sees_the_memory_that_was_used_in_it() {
        let region = Region::start();
        let memory = vec![1_u8; 64 << 20];
        let readings = region.end();
        assert_eq!(
            memory
                .iter()
                .step_by(1 << 20)
                .map(|it| u32::from(*it))
                .sum::<u32>(),
            64
        );
        assert!(readings.get("growth").unwrap() >= 60e6, "{readings:?}");
        assert!(readings.get("processor").unwrap() > 0.0, "{readings:?}");
    }

    #[test]
    fn a_program_is_measured_and_its_failure_is_an_error() {
        let readings = program(Command::new("true").arg("unused")).unwrap();
        assert!(readings.get("peak").unwrap() > 0.0, "{readings:?}");
        let error = program(&mut Command::new("false")).unwrap_err();
        assert!(error.to_string().contains("exit status: 1"), "{error}");
    }

    #[test]
    fn a_thread_is_found_by_its_name() {
        let thread = std::thread::Builder::new().name("bench-busy".into());
        let busy = || {
            let mut sum = 0_u64;
            while thread_time("self", Some("bench-busy")).unwrap() == 0.0 {
                sum = std::hint::black_box(sum + 1);
            }
        };
        thread.spawn(busy).unwrap().join().unwrap();
        assert_eq!(thread_time("self", Some("no such thread")), Some(0.0));
    }
}
