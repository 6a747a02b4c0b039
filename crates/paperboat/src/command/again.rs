//! `paperboat again`: a recorded prediction once more, with changes.

use std::ffi::OsStr;
use std::path::Path;

use cometapi::ModelRef;
use cometapi::models::media;
use cometapi::wire::PredictionId;
use cometapi_batch::Entry;
use serde_json::{Map, Value};

use crate::args::{Again, Run, What};
use crate::command::{place, run};
use crate::failure::Failure;
use crate::{advice, connect, input, ledger, recorded};

/// What a prediction was made of.
struct Made {
    model: ModelRef,
    input: Map<String, Value>,
}

pub(crate) async fn execute(args: Again) -> Result<(), Failure> {
    let made = made(&args).await?;
    let what = What {
        model: made.model,
        pairs: args.pairs,
        input: None,
        force: args.force,
        files: args.files,
    };
    let mut base = made.input;
    place::leave_type_open(&args.options.outputs, &what, &mut base);
    let fields = input::changed(&what, base)?;
    let options = args.options;
    run::start(Run { what, options }, fields).await
}

/// Looks the prediction up in the ledger, else at the service.
async fn made(args: &Again) -> Result<Made, Failure> {
    let given = &args.prediction;
    let place = &args.options.ledger;
    let ledger = if place.no_ledger {
        None
    } else {
        Some(ledger::existing(place.ledger.as_ref()).await?)
    };
    let id = recorded::id(given);
    if let Some(ledger) = &ledger
        && let Some(entry) = recorded::find(&**ledger, given).await?
    {
        return of_entry(&entry);
    }
    match id {
        Some(id) if !args.options.mock && !is_file(given) => at_service(args, &id).await,
        _ => Err(recorded::unknown(given).with_advice("nothing was sent")),
    }
}

/// Whether it is a file, or named like one, so that no service knows it as an id.
fn is_file(given: &OsStr) -> bool {
    Path::new(given).exists() || given.to_str().is_some_and(media::is_media_file_name)
}

fn of_entry(entry: &Entry) -> Result<Made, Failure> {
    let model = entry.model.parse();
    let input = serde_json::from_str(&entry.input);
    match (model, input) {
        (Ok(model), Ok(input)) => Ok(Made { model, input }),
        _ => Err(Failure::usage(
            "what the ledger knows of that prediction cannot be read",
        )),
    }
}

/// What the service shows of a prediction that another machine, or another ledger, created.
async fn at_service(args: &Again, id: &PredictionId) -> Result<Made, Failure> {
    let connection = connect::service(&args.options.service, false)?;
    let found = connection.client.predictions().get(id).await;
    let prediction = found.map_err(|error| {
        let list = advice::command("list", "");
        Failure::from(error).with_advice(format!(
            "the ledger does not know it either; recorded ones: {list}"
        ))
    })?;
    let model = prediction.model().and_then(|model| model.parse().ok());
    match (model, prediction.input()) {
        (Some(model), Some(input)) if !input.is_empty() => Ok(Made {
            model,
            input: input.clone(),
        }),
        _ => Err(Failure::usage(format!(
            "the ledger does not know {id}, and the service no longer shows its input; nothing was sent"
        ))
        .with_advice("run it with its input: paperboat run MODEL KEY=VALUE…")),
    }
}
