//! The prediction as JSON beside each of its files.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use cometapi::Prediction;
use serde_json::{Value, json};

use crate::{print, whole};

/// Writes `FILE.json` beside each file, with the prediction in it. Returns what to say of those that
/// could not be written.
pub(crate) fn write_all(files: &[PathBuf], prediction: &Prediction) -> Vec<String> {
    let Ok(mut json) = print::with_all_fields(prediction) else {
        return Vec::new();
    };
    let names = files.iter().map(|file| {
        let name = file.file_name().unwrap_or(file.as_os_str());
        name.to_string_lossy()
    });
    json["saved"] = names.collect();
    let text = format!("{json:#}\n");
    let refused = files.iter().filter_map(|file| {
        let path = path_of(file);
        let why = match write(&path, &text, prediction.id()) {
            Ok(()) => return None,
            Err(why) => why,
        };
        Some(format!("{} was not written: {why}", path.display()))
    });
    refused.collect()
}

/// The name of the file and `.json`: another type of the same image has a sidecar of its own.
fn path_of(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".json");
    name.into()
}

fn write(path: &Path, text: &str, id: &str) -> io::Result<()> {
    // A file of the user's, or an output that is JSON, may have this name.
    if let Ok(there) = std::fs::read(path)
        && serde_json::from_slice::<Value>(&there)
            .ok()
            .map(|it| it["id"].clone())
            != Some(json!(id))
    {
        let what = "a file of that name is there already";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    whole::write(path, |file| io::Write::write_all(file, text.as_bytes()))
}
