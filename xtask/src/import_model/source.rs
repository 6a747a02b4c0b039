//! Published schemas from a file, stdin or a directory.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, ensure};
use cometapi_codegen::published_models;

/// Far more than the published schema of one model has.
pub(super) const LIMIT: u64 = 16 << 20;

/// Far more than all public models of Replicate together.
const LIMIT_OF_MANY: u64 = 512 << 20;

/// A published schema, and what to call it while its model is not known.
pub(super) struct Source {
    pub(super) label: String,
    pub(super) json: String,
}

pub(super) enum Sources {
    One(Source),
    Many(Vec<Source>),
}

impl Sources {
    pub(super) fn into_vec(self) -> Vec<Source> {
        match self {
            Self::One(source) => vec![source],
            Self::Many(sources) => sources,
        }
    }
}

pub(super) fn read(path: &Path, stdin: &mut dyn Read) -> anyhow::Result<Sources> {
    let name = path.display().to_string();
    if path == Path::new("-") {
        return split("stdin", stdin);
    }
    if !path.is_dir() {
        let mut file = File::open(path).with_context(|| format!("failed to read {name}"))?;
        return split(&name, &mut file);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("failed to read {name}"))? {
        let file = entry
            .with_context(|| format!("failed to read {name}"))?
            .path();
        if file.extension().is_some_and(|ending| ending == "json") {
            files.push(file);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "{name} holds no .json files");
    let mut sources = Vec::new();
    for file in files {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut file = File::open(&file).with_context(|| format!("failed to read {name}"))?;
        sources.extend(split(&name, &mut file)?.into_vec());
    }
    Ok(Sources::Many(sources))
}

fn split(name: &str, from: &mut dyn Read) -> anyhow::Result<Sources> {
    let mut text = String::new();
    from.take(LIMIT_OF_MANY + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("failed to read {name}"))?;
    let is_within = |limit: u64| u64::try_from(text.len()).is_ok_and(|length| length <= limit);
    ensure!(
        is_within(LIMIT_OF_MANY),
        "{name} has more than 512 MiB; split it"
    );
    if let Some(models) = published_models(&text) {
        let label = |index: usize| format!("{name}, model {}", index + 1);
        let sources = models.into_iter().enumerate().map(|(index, model)| Source {
            label: model.name.unwrap_or_else(|| label(index)),
            json: model.json.into_owned(),
        });
        return Ok(Sources::Many(sources.collect()));
    }
    ensure!(
        is_within(LIMIT),
        "{name} has more than 16 MiB, which no published schema of one model has"
    );
    Ok(Sources::One(Source {
        label: name.to_owned(),
        json: text,
    }))
}
