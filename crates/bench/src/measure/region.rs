//! What a region of this process costs: time, processor time, peak memory.

use std::fs;
use std::time::{Duration, Instant};

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
#[cfg(unix)]
fn processor_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).ok()?;
    Some(Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(unix))]
fn processor_time() -> Option<Duration> {
    None
}

/// Returns the processor time of the running threads of this name, in seconds. Linux only.
pub(crate) fn thread_time(name: &str) -> Option<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let task = task.ok()?.path();
        if fs::read_to_string(task.join("comm")).ok()?.trim() == name {
            let line = fs::read_to_string(task.join("schedstat")).ok()?;
            nanoseconds += line.split(' ').next()?.parse::<f64>().ok()?;
        }
    }
    Some(nanoseconds / 1e9)
}

/// Returns the largest resident memory of this process so far, in bytes. Linux only.
pub(crate) fn peak_memory() -> Option<f64> {
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
        use rustix::process::{Resource, getrlimit, setrlimit};

        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Where it is refused, the old limit stays; what needs more fails and says so.
        let _ = setrlimit(Resource::Nofile, limit);
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
    fn a_thread_is_found_by_its_name() {
        let thread = std::thread::Builder::new().name("bench-busy".into());
        let busy = || {
            let mut sum = 0_u64;
            while thread_time("bench-busy").unwrap() == 0.0 {
                sum = std::hint::black_box(sum + 1);
            }
        };
        thread.spawn(busy).unwrap().join().unwrap();
        assert_eq!(thread_time("no such thread"), Some(0.0));
    }
}
