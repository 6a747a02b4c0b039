//! `paperboat open`: files on the screen.

use std::path::{Path, PathBuf};

use cometapi_batch::{Entry, Filter, Ledger};

use crate::args::Open;
use crate::failure::Failure;
use crate::{advice, gallery, ledger, recorded, viewer};

pub(crate) async fn execute(args: Open) -> Result<(), Failure> {
    for path in paths(&args).await? {
        viewer::open(&path).map_err(|e| {
            Failure::other(
                format!("no program of the desktop opens {}", path.display()),
                &e,
            )
        })?;
    }
    Ok(())
}

/// What is to be opened.
async fn paths(args: &Open) -> Result<Vec<PathBuf>, Failure> {
    if let Some(given) = args.prediction.as_deref().map(Path::new)
        && given.exists()
    {
        return Ok(vec![page_of(given)]);
    }
    let ledger = ledger::existing(args.ledger.as_ref()).await?;
    let entry = match args.prediction.as_deref() {
        Some(given) => recorded::find(&*ledger, given)
            .await?
            .ok_or_else(|| recorded::unknown(given))?,
        None => newest(&*ledger).await?,
    };
    let saved: Vec<_> = entry.files.iter().map(|file| &file.path).collect();
    let there = saved.iter().filter(|path| path.exists());
    let there: Vec<_> = there.map(|path| (*path).clone()).collect();
    if there.is_empty() {
        return Err(without_files(&entry, &saved));
    }
    Ok(there)
}

/// The page of a batch's folder; anything else is opened as it is.
fn page_of(path: &Path) -> PathBuf {
    let page = path.join(gallery::INDEX);
    if page.is_file() {
        page
    } else {
        path.to_owned()
    }
}

/// The newest prediction that has files.
async fn newest(ledger: &dyn Ledger) -> Result<Entry, Failure> {
    let mut before = None;
    loop {
        let mut filter = Filter::default();
        filter.before = before;
        let page = ledger.list(filter).await.map_err(|e| {
            Failure::usage(format!("the ledger cannot be read: {e}")).because_of(&e)
        })?;
        let Some(last) = page.last() else {
            return Err(
                Failure::usage("no recorded prediction has a saved file").with_advice(format!(
                    "to see recorded predictions: {}",
                    advice::command("list", "")
                )),
            );
        };
        before = Some(last.seq);
        if let Some(entry) = page.into_iter().find(|entry| !entry.files.is_empty()) {
            return Ok(entry);
        }
    }
}

fn without_files(entry: &Entry, saved: &[&PathBuf]) -> Failure {
    let id = entry.id.as_deref().unwrap_or("the prediction");
    match saved {
        [] => Failure::usage(format!("nothing was saved of {id}")).with_advice(format!(
            "what is known of it: {}",
            advice::command("show", &advice::shell_word(id))
        )),
        [first, ..] => Failure::usage(format!(
            "the files of {id} are not there any more: {}",
            first.display()
        ))
        .with_advice(format!(
            "the service keeps files for about an hour; to save them again: {}",
            advice::command("wait", &advice::shell_word(id))
        )),
    }
}
