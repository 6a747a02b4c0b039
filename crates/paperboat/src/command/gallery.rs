//! `paperboat gallery`: a page of what was made.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use cometapi_batch::{BatchEntry, Ledger};

use crate::args::Gallery;
use crate::failure::Failure;
use crate::record::NotWritten;
use crate::{advice, gallery, ledger, print};

pub(crate) async fn execute(args: Gallery) -> Result<(), Failure> {
    let ledger = ledger::existing(args.ledger.as_ref()).await?;
    if let Some(since) = args.since {
        let path = &args.output;
        let written = gallery::write_since(&*ledger, since, path).await;
        if written.map_err(|why| refused(path, why))? == 0 {
            print::note("no recorded prediction since then has a saved file");
        }
        return print::path(path);
    }
    let dir = args.dir.as_deref().unwrap_or(Path::new("."));
    let path = dir.join(gallery::INDEX);
    of_folder(&*ledger, dir, &path).await?;
    print::path(&path)
}

/// Writes the gallery of the batch in `dir` to `path`: from the ledger, or from the batch's index if the
/// ledger does not know it.
async fn of_folder(ledger: &dyn Ledger, dir: &Path, path: &Path) -> Result<(), Failure> {
    let folder = dir.canonicalize();
    let folder =
        folder.map_err(|e| Failure::usage(format!("{} cannot be read: {e}", dir.display())))?;
    let batches = ledger.batches().await;
    let batches = batches.map_err(|e| refused(path, NotWritten::Ledger(e)))?;
    let batches = of(&batches, &folder);
    if !batches.is_empty() {
        let written = gallery::write_batches(ledger, &batches, dir).await;
        return written.map_err(|why| refused(path, why));
    }
    match File::open(dir.join("index.jsonl")) {
        Ok(index) => gallery::write_index(index, dir).map_err(|e| refused(path, e.into())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let since = advice::command("gallery", "--since 24h");
            Err(
                Failure::usage(format!("no batch has its files in {}", dir.display()))
                    .with_advice(format!("for every file since a time: {since}")),
            )
        }
        Err(e) => Err(refused(path, e.into())),
    }
}

/// The batches in this folder: the one that the file in it names, which may have been moved with it, or
/// else those that were there.
fn of<'b>(batches: &'b [BatchEntry], folder: &Path) -> Vec<&'b str> {
    let text = fs::read_to_string(folder.join(".cometapi-batch")).unwrap_or_default();
    let named = text.lines().next();
    let named = batches.iter().find(|batch| Some(&*batch.batch) == named);
    if let Some(batch) = named {
        return vec![&batch.batch];
    }
    let there = batches.iter().filter(|batch| batch.folder == folder);
    there.map(|batch| &*batch.batch).collect()
}

fn refused(path: &Path, why: NotWritten) -> Failure {
    let message = format!("{} cannot be written: {why}", path.display());
    match why {
        NotWritten::Ledger(error) => Failure::usage(message).because_of(&error),
        NotWritten::File(_) => Failure::usage(message),
    }
}
