//! A prediction whose files are not saved: where they are, and until when.

use std::time::{Duration, SystemTime};

use cometapi::{Contents, OutputFile, Prediction};
use humantime::format_rfc3339_seconds;

use crate::batch::row::Row;
use crate::ledger::Outcome;

/// How long the service keeps files after the end of a prediction, as far as is known.
const KEPT: Duration = Duration::from_secs(3600);

impl Row {
    /// Records the URLs of the files instead of saving them.
    pub(super) async fn finish_without_files(
        &mut self,
        (status, took): (&str, Option<Duration>),
        contents: Contents,
        prediction: &Prediction,
    ) {
        if !self.seen(status, false, took).await {
            return;
        }
        let (files, text) = contents.into_parts();
        // What is part of the URL itself would fill the record.
        let urls: Vec<&str> = files
            .iter()
            .map(OutputFile::url)
            .map(|url| {
                if url.starts_with("data:") {
                    "data"
                } else {
                    url
                }
            })
            .collect();
        let mut notes = Vec::new();
        if !urls.is_empty() {
            let until = format_rfc3339_seconds(SystemTime::now() + KEPT);
            notes.push(format!(
                "not saved, and removed by the service at about {until}: {}",
                urls.join(" ")
            ));
        }
        if text.is_some() {
            notes.push("its text was not saved".to_owned());
        }
        self.end(
            Outcome::succeeded_with(notes.join("; ")),
            &[],
            Some(prediction),
        )
        .await;
    }
}
