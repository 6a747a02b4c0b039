//! The rows of a batch: those of a file, or one for each file of a folder.

mod content;
mod each;
mod field;
mod places;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use cometapi::models;
use cometapi_batch::{Format, Rows};
use serde_json::Map;

use crate::args::{Batch, FORMAT, RowFormat};
use crate::failure::Failure;
use crate::file::Limits;
use crate::input::Fields;
use crate::pair::{Reader, split};
use crate::prompt;
use crate::rows::content::Images;
pub(crate) use crate::rows::places::Places;
use crate::stdin::Stdin;

/// The rows that the arguments name, with the fields that they give, and where each is.
pub(crate) fn of(args: &Batch) -> Result<(Rows, Places), Failure> {
    let limits = Limits {
        bytes: args.max_file_size,
        pixels: args.image_max,
    };
    let reader = Reader {
        model: args
            .model
            .as_ref()
            .and_then(|model| models::find(&model.to_string())),
        limits,
    };
    let ((rows, places), fields) = match &args.each {
        Some(pattern) => of_each(args, pattern, &reader)?,
        None => of_file(args, &reader)?,
    };
    let Fields { mut values, sweeps } = fields;
    if let Some(model) = reader.model.filter(|_| !args.force) {
        model.normalize(&mut values);
        let is_given = values.contains_key(FORMAT) || sweeps.iter().any(|(it, _)| it == FORMAT);
        if let Some(choice) = args.output.wanted_type(model).filter(|_| !is_given) {
            values.insert(FORMAT.to_owned(), choice);
        }
    }
    let images = Images::new(limits, args.force);
    let mut rows = rows
        .max_row_size(args.max_row_size)
        .defaults(values)
        .files(move |field, path| images.read(field, path));
    for (field, values) in sweeps {
        rows = rows.sweep(field, values);
    }
    if let Some(times) = args.repeat {
        rows = rows.repeat(usize::try_from(times).unwrap_or(usize::MAX));
    }
    if !args.only.is_empty() {
        rows = rows.only_listed(args.only.iter().map(|id| id.trim()));
    }
    Ok((rows, places))
}

/// Rows with their places, and the fields that are given for them.
type Given = ((Rows, Places), Fields);

/// A row for each file that `pattern` matches.
fn of_each(args: &Batch, pattern: &Path, reader: &Reader) -> Result<Given, Failure> {
    let given = args.file.iter().map(|file| file.as_os_str());
    let given = given.chain(args.pairs.iter().map(OsString::as_os_str));
    // A shell that expands the pattern itself gives the other files as arguments.
    let (files, pairs): (Vec<_>, Vec<_>) = given.partition(|given| is_file(given));
    if let Some(rows) = files.iter().find(|file| Format::of_name(file).is_some()) {
        let rows = rows.display();
        return Err(Failure::usage(format!(
            "{rows} is a file of rows, and --each makes the rows itself"
        ))
        .with_advice("leave out one of the two"));
    }
    let patterns = [pattern]
        .into_iter()
        .chain(files.into_iter().map(Path::new));
    let patterns: Vec<_> = patterns.collect();
    let rows = each::rows(&patterns, args.model.as_ref(), args.field.as_deref())?;
    Ok((rows, fields(reader, &pairs, Stdin::new())?))
}

fn of_file(args: &Batch, reader: &Reader) -> Result<Given, Failure> {
    // Required where there is no --each.
    let file = args.file.clone().unwrap_or_else(|| PathBuf::from("-"));
    let pairs: Vec<_> = args.pairs.iter().map(OsString::as_os_str).collect();
    if let Some(other) = pairs.iter().find(|given| is_file(given)) {
        let other = other.display();
        return Err(Failure::usage(format!(
            "{other} is a second file, and a batch has one file of rows"
        ))
        .with_advice("for a row for each of several files: --each 'FOLDER/*.jpg'"));
    }
    let stdin = if file.as_os_str() == "-" {
        Stdin::of("the file of rows")
    } else {
        Stdin::new()
    };
    let rows = (open(&file, args)?, Places::default());
    Ok((rows, fields(reader, &pairs, stdin)?))
}

/// Whether an argument that is not a pair is the path of a file.
fn is_file(given: &OsStr) -> bool {
    let is_pair = given.to_str().is_some_and(|text| split(text).is_some());
    !is_pair && Path::new(given).is_file()
}

/// What the pairs give for the fields of each row.
fn fields(reader: &Reader, pairs: &[&OsStr], mut stdin: Stdin) -> Result<Fields, Failure> {
    let text = |pair: &&OsStr| {
        let text = pair.to_str().map(str::to_owned);
        text.ok_or_else(|| Failure::usage(format!("{} is not text in UTF-8", pair.display())))
    };
    let pairs = pairs.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    prompt::check(&pairs, reader.model)?;
    Fields::of(reader, Map::new(), &pairs, &mut stdin)
}

fn open(file: &Path, args: &Batch) -> Result<Rows, Failure> {
    let name = file.display();
    let rows = if file.as_os_str() == "-" {
        Rows::detect(io::stdin())
    } else if file.is_dir() {
        return Err(
            Failure::usage(format!("{name} is a folder; name a file of rows"))
                .with_advice(format!("for a row for each image in it: --each {name}")),
        );
    } else {
        Rows::file(file).map_err(|e| unreadable(file, &e))?
    };
    Ok(match args.format {
        None => rows,
        Some(RowFormat::Jsonl) => rows.format(Format::JsonLines),
        Some(RowFormat::Csv) => rows.format(Format::Csv),
        Some(RowFormat::Text) => rows.format(Format::Text),
    })
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    let name = file.display();
    let failure = Failure::usage(format!("{name} cannot be read")).caused_by(error);
    match file.to_str().and_then(split) {
        Some(_) => failure.with_advice(format!("name the file of rows before {name}")),
        None => failure,
    }
}
