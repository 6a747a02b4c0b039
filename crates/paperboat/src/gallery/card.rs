//! A card: a file with what is known of it, or a prediction that has none.

use std::path::{Path, PathBuf};

use askama::Template;

use super::link;
use super::media::Media;
use crate::record::{Record, plain};

#[derive(Template)]
#[template(path = "gallery/card.html")]
pub(super) struct Card<'a> {
    number: u64,
    /// What its mark is kept under: the same in every page of these files.
    key: String,
    id: &'a str,
    row: &'a str,
    model: &'a str,
    /// The name of the model without its owner.
    short_model: &'a str,
    status: &'a str,
    status_words: String,
    reason: &'a str,
    /// The prompt, or what names the prediction where there is none.
    prompt: &'a str,
    seed: String,
    seconds: String,
    cost: String,
    version: u64,
    labels: Vec<(&'a str, String)>,
    name: String,
    url: String,
    media: Media,
}

impl<'a> Card<'a> {
    /// The card of a record whose file is below `folder`, for a page in the folder `page`.
    pub(super) fn new(record: &'a Record, folder: &Path, page: &[PathBuf], number: u64) -> Self {
        let file = record.file.as_deref().map(|file| folder.join(file));
        let file = file.and_then(|file| std::path::absolute(file).ok());
        let url = file.as_deref().and_then(|file| link::to(file, page));
        let media = match (&file, &url) {
            (Some(file), Some(_)) => Media::of(file),
            _ => Media::Other,
        };
        let name = record.file_name().unwrap_or_default();
        let [id, row, prompt] =
            [&record.id, &record.row, &record.prompt].map(|it| text(it.as_ref()));
        let title = [prompt, row, id].into_iter().find(|it| !it.is_empty());
        let labels = record
            .labels
            .iter()
            .map(|(name, value)| (&**name, plain(value)));
        let short_model = record.model.rsplit('/').next();
        Self {
            number,
            key: [id, row, &name].join(" ").trim().to_owned(),
            id,
            row,
            model: &record.model,
            short_model: short_model.unwrap_or(&record.model),
            status: &record.status,
            status_words: record.status.replace('_', " "),
            reason: text(record.reason.as_ref()),
            prompt: title.unwrap_or("Without a prompt"),
            seed: plain(&record.seed),
            seconds: record.seconds.map(duration).unwrap_or_default(),
            cost: match record.cost.filter(|cost| cost.is_positive()) {
                Some(cost) => cost.to_string(),
                None => String::new(),
            },
            version: record.version,
            labels: labels.filter(|(_, value)| !value.is_empty()).collect(),
            name,
            url: url.unwrap_or_default(),
            media,
        }
    }
}

fn text(text: Option<&String>) -> &str {
    text.map(String::as_str).unwrap_or_default()
}

fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    format!(
        "{} min {} s",
        (seconds / 60.0).floor(),
        (seconds % 60.0).floor()
    )
}
