//! The machine on which something was measured.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use serde::Serialize;

/// What the numbers depend on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    rustc: String,
    date: String,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let unknown = || "unknown".to_owned();
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()));
        let rustc = Command::new("rustc").arg("--version").output().ok();
        let rustc = rustc.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
        Self {
            processor: model.unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            rustc: rustc.unwrap_or_else(unknown),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            processor,
            cores,
            rustc,
            date,
        } = self;
        write!(f, "{processor}, {cores} cores, {rustc}, {date}")
    }
}
