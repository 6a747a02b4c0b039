//! The gallery: one static page that shows what predictions made.
//!
//! It works from disk: style and script are in it, and nothing is fetched but the files that it shows.

mod card;
mod link;
mod media;
mod page;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cometapi_batch::{Filter, Ledger};

use self::page::Page;
use crate::record::{NotWritten, Record, each, each_of_batch, in_the_way};
use crate::whole::Whole;

/// The gallery in a batch's folder.
pub(crate) const INDEX: &str = "index.html";

/// Writes the gallery of a batch into its folder, from what the ledger knows.
pub(crate) async fn write_batch(
    ledger: &dyn Ledger,
    batch: &str,
    folder: &Path,
) -> Result<(), NotWritten> {
    write_batches(ledger, &[batch], folder).await
}

/// Writes one gallery of batches that share a folder.
pub(crate) async fn write_batches(
    ledger: &dyn Ledger,
    batches: &[&str],
    folder: &Path,
) -> Result<(), NotWritten> {
    let mut page = begin(&folder.join(INDEX), &title(folder))?;
    for batch in batches {
        each_of_batch(ledger, batch, |record| {
            if record.file.as_deref() == Some(Path::new(INDEX)) {
                return Err(in_the_way());
            }
            page.add(&record, folder)
        })
        .await?;
    }
    Ok(page.end()?.commit()?)
}

/// Writes the gallery of a folder from the batch's index in it.
pub(crate) fn write_index(index: File, folder: &Path) -> io::Result<()> {
    /// A longer line is no row of a batch.
    const MAX_LINE: u64 = 64 << 20;
    let mut page = begin(&folder.join(INDEX), &title(folder))?;
    let mut lines = BufReader::new(index);
    let mut line = String::new();
    while (&mut lines).take(MAX_LINE).read_line(&mut line)? > 0 {
        let record = Record::read(&line).ok_or_else(|| {
            let what = "index.jsonl is not an index of a batch";
            io::Error::new(io::ErrorKind::InvalidData, what)
        })?;
        page.add(&record, folder)?;
        line.clear();
    }
    page.end()?.commit()
}

/// Writes the gallery of every saved file since a time to `path`, the newest first. Returns how many
/// there are.
pub(crate) async fn write_since(
    ledger: &dyn Ledger,
    since: SystemTime,
    path: &Path,
) -> Result<u64, NotWritten> {
    let day = humantime::format_rfc3339_seconds(since).to_string();
    let mut page = begin(
        path,
        &format!("Since {}", day.replace(['T', 'Z'], " ").trim()),
    )?;
    let mut filter = Filter::default();
    filter.since = Some(since);
    each(ledger, filter, |entry| {
        if entry.files.is_empty() {
            return Ok(());
        }
        let folder = entry.folder.as_deref().unwrap_or(Path::new(""));
        let records = Record::all_of(entry);
        records
            .iter()
            .try_for_each(|record| page.add(record, folder))
    })
    .await?;
    let count = page.count();
    page.end()?.commit()?;
    Ok(count)
}

/// Begins the page at `path`, unless a file is there that is not a gallery.
fn begin(path: &Path, title: &str) -> io::Result<Page<Whole>> {
    check_replaceable(path)?;
    let path = std::path::absolute(path)?;
    let named = path.parent().map(PathBuf::from).unwrap_or_default();
    let real = named.canonicalize().unwrap_or(named.clone());
    let folder = vec![named, real];
    Page::begin(Whole::begin(&path)?, folder, title, SystemTime::now())
}

fn check_replaceable(path: &Path) -> io::Result<()> {
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut head = Vec::new();
    file.take(1024).read_to_end(&mut head)?;
    let is_ours = String::from_utf8_lossy(&head).contains(page::MARKER);
    if is_ours { Ok(()) } else { Err(in_the_way()) }
}

/// The name of the folder.
fn title(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or(folder.to_owned());
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gallery_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(INDEX);
        assert!(check_replaceable(&path).is_ok());
        begin(&path, "a").unwrap().end().unwrap().commit().unwrap();
        assert!(check_replaceable(&path).is_ok());
        for foreign in ["", "<!doctype html><title>Mine</title>"] {
            std::fs::write(&path, foreign).unwrap();
            assert!(begin(&path, "a").is_err(), "{foreign}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
