//! Instructions by valgrind's callgrind: the same number whatever else the machine does.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::pairs::Side;

/// Returns the instructions that one item costs: those of a run of `sizes.1` items less those of a
/// run of `sizes.0`, by the difference of the sizes, so that the start of the process drops out.
/// `None` if valgrind is not installed.
///
/// `side` makes the side for a number of items.
pub(crate) fn instructions_per_item(
    side: impl Fn(u32) -> Side,
    sizes: (u32, u32),
) -> anyhow::Result<Option<f64>> {
    let (Some(small), Some(large)) = (count(&side(sizes.0))?, count(&side(sizes.1))?) else {
        return Ok(None);
    };
    Ok(Some(per_item((small, large), sizes)))
}

fn per_item((small, large): (u64, u64), sizes: (u32, u32)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let difference = large as f64 - small as f64;
    difference / (f64::from(sizes.1) - f64::from(sizes.0))
}

/// Returns the instructions of a whole process.
fn count(side: &Side) -> anyhow::Result<Option<u64>> {
    let is_installed = Command::new("valgrind").arg("--version").output().is_ok();
    if !is_installed {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("callgrind.out");
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(&file);
    let status = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(out)
        .arg(std::env::current_exe()?)
        .args(side.arguments())
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "callgrind: {status}");
    let text = fs::read_to_string(&file)?;
    total(&text)
        .context("callgrind's output has no line `totals:` or `summary:`")
        .map(Some)
}

/// Reads the total from callgrind's output. A process that ended normally has both lines, with
/// the same number; one that was stopped may have only the second.
fn total(text: &str) -> Option<u64> {
    let value = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let value = value("totals:").or_else(|| value("summary:"))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_callgrind_is_read() {
        for (text, expected) in [
            (
                "events: Ir\nsummary: 12\nfn=(1)\n16 3\ntotals: 34\n",
                Some(34),
            ),
            ("events: Ir\nsummary: 12\n", Some(12)),
            ("totals: many\n", None),
            ("", None),
        ] {
            assert_eq!(total(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_start_of_the_process_drops_out() {
        let each = per_item((1_000_500, 1_001_500), (5, 15));
        assert!((each - 100.0).abs() < 1e-9, "{each}");
    }
}
