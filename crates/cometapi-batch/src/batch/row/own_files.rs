//! Telling a prediction's file from another file of its name, by content.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use cometapi::{Error, OutputFile};

/// Whether `path` has the content of `file`, which is downloaded beside it for that.
pub(super) async fn is_same_file(file: &OutputFile, path: &Path) -> Result<bool, Error> {
    let name = format!(".compare.{:016x}.part", fastrand::u64(..));
    let download = Removed(path.with_file_name(name));
    file.save_to(&download.0).await?;
    let path = path.to_owned();
    let same = tokio::task::spawn_blocking(move || is_same(&download.0, &path).unwrap_or(false));
    Ok(same.await.unwrap_or(false))
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let mut other = BufReader::new(other).bytes();
    for byte in BufReader::new(one).bytes() {
        match other.next().transpose()? {
            Some(same) if same == byte? => {}
            _ => return Ok(false),
        }
    }
    Ok(other.next().is_none())
}

/// A file that is removed when this is dropped.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_same_if_every_byte_is() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let long = "x".repeat(20_000);
        let changed = format!("{}y", &long[1..]);
        for (a, b, same) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "b", false),
            ("a", "aa", false),
            (&long, &long, true),
            (&long, &changed, false),
        ] {
            fs::write(&one, a).unwrap();
            fs::write(&other, b).unwrap();
            assert_eq!(is_same(&one, &other).unwrap(), same);
        }
        assert!(is_same(&one, &folder.path().join("none")).is_err());
    }
}
