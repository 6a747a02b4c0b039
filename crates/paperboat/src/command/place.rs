//! Where the files of one prediction go, and under which names.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use cometapi::models::{self, Model};
use cometapi_batch::FileTemplate;
use serde_json::{Map, Value};

use crate::args::{Destination, FORMAT, Outputs, What};
use crate::failure::Failure;
use crate::progress::Progress;

/// The field of models that return several files.
const OUTPUTS: &str = "num_outputs";

/// Where the files of a prediction go.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// The current folder for files, stdout for text.
    Current,
    Folder(PathBuf),
    Named(PathBuf, FileTemplate),
    Stdout,
}

impl Place {
    /// The place that `-o` names, or else the one that the ledger remembers of the prediction.
    pub(super) fn of(
        given: Option<&Destination>,
        remembered: (Option<&Path>, Option<&str>),
        progress: &Progress,
    ) -> Self {
        match given {
            Some(Destination::Stdout) => return Self::Stdout,
            Some(Destination::Folder(folder)) => return Self::Folder(folder.clone()),
            Some(Destination::Template(template)) => {
                let folder = template.folder().to_owned();
                return Self::Named(folder, template.below_folder());
            }
            None => {}
        }
        let (Some(folder), names) = remembered else {
            return Self::Current;
        };
        let is_current = std::env::current_dir().is_ok_and(|current| current == folder);
        let folder = if is_current {
            PathBuf::new()
        } else {
            progress.say(format_args!(
                "note: saving in {}, the folder that it was created for; for another: -o",
                folder.display()
            ));
            folder.to_owned()
        };
        // A later version may have recorded a template that is not one here.
        match names.and_then(|names| names.parse().ok()) {
            Some(template) => Self::Named(folder, template),
            None => Self::Folder(folder),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) | Self::Named(folder, _) => folder,
            Self::Current | Self::Stdout => Path::new("."),
        }
    }
}

/// Asks for the type of file that `-o` names, where the model has a choice of types and the input makes
/// none.
pub(super) fn ask_for_type(outputs: &Outputs, model: &Model, input: &mut Map<String, Value>) {
    let wanted = outputs.output.as_ref().and_then(|it| it.wanted_type(model));
    if let Some(choice) = wanted.filter(|_| !input.contains_key(FORMAT)) {
        input.insert(FORMAT.to_owned(), choice);
    }
}

/// Leaves the type of file open that an earlier prediction had, if `-o` names one and no argument does.
pub(super) fn leave_type_open(outputs: &Outputs, what: &What, input: &mut Map<String, Value>) {
    let names_type = |pair: &String| pair.trim_start().starts_with(FORMAT);
    let model = models::find(&what.model.to_string());
    let output = outputs.output.as_ref();
    let wanted = model.and_then(|model| output?.wanted_type(model));
    if wanted.is_some() && !what.pairs.iter().any(names_type) {
        input.remove(FORMAT);
    }
}

/// Refuses a place that cannot take what the model returns, before anything is sent.
pub(super) fn check(
    outputs: &Outputs,
    what: &What,
    model: Option<&Model>,
    input: &Map<String, Value>,
) -> Result<(), Failure> {
    match &outputs.output {
        Some(Destination::Stdout) => {
            check_stdout(outputs)?;
            let returns_files = model.is_some_and(|model| model.output_kind().is_files());
            if returns_files && io::stdout().is_terminal() {
                return Err(Failure::usage(
                    "stdout is a terminal, which cannot show a file; nothing was sent",
                )
                .with_advice("pipe it to a program, or name a file: -o fox.png"));
            }
            let count = input.get(OUTPUTS).and_then(Value::as_u64).unwrap_or(1);
            if returns_files && count > 1 {
                return Err(Failure::usage(format!(
                    "stdout takes one file, and {OUTPUTS} is {count}; nothing was sent"
                ))
                .with_advice("name a folder: -o DIR"));
            }
            Ok(())
        }
        Some(Destination::Template(template)) if !what.force => {
            let is_known = |name: &&str| {
                input.contains_key(*name) || model.is_some_and(|model| model.field(name).is_some())
            };
            match template.row_fields().find(|name| !is_known(name)) {
                None => Ok(()),
                Some(name) => Err(Failure::usage(format!(
                    "{} holds {{{name}}}, and the input has no field of that name; nothing was sent",
                    template.as_str()
                ))
                .with_advice("others are {id}, {model}, {date}, {index} and {hash}")),
            }
        }
        _ => Ok(()),
    }
}

/// Refuses what cannot be together on stdout.
pub(super) fn check_stdout(outputs: &Outputs) -> Result<(), Failure> {
    if outputs.json && outputs.output == Some(Destination::Stdout) {
        return Err(
            Failure::usage("-o - and --json both write to stdout; nothing was sent")
                .with_advice("name a folder or a file: -o fox.png"),
        );
    }
    if outputs.look.open && outputs.output == Some(Destination::Stdout) {
        return Err(
            Failure::usage("-o - saves no file that --open could open; nothing was sent")
                .with_advice("name a folder or a file: -o fox.png"),
        );
    }
    Ok(())
}

/// The folder for the files of predictions that have no other place recorded.
pub(super) fn folder_of_all(outputs: &Outputs) -> Result<&Path, Failure> {
    match &outputs.output {
        None => Ok(Path::new(".")),
        Some(Destination::Folder(folder)) => Ok(folder),
        Some(Destination::Template(_) | Destination::Stdout) => Err(Failure::usage(
            "-o takes a folder where all predictions are waited for: each file has the name that \
             was asked for when its prediction was created",
        )
        .with_advice("name a folder: -o DIR")),
    }
}
