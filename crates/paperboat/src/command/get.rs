//! `paperboat get`: polls once.

use cometapi::{Client, Contents, ErrorKind, OutputText, Prediction, shorten_data_uris};

use crate::args::Get;
use crate::command::elsewhere;
use crate::failure::Failure;
use crate::{connect, ledger, print};

pub(crate) async fn execute(args: Get) -> Result<(), Failure> {
    let connection = connect::service(&args.service, false)?;
    let client = &connection.client;
    let prediction = match client.predictions().get(&args.id).await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let ledger = ledger::existing(None).await.ok();
            let id = args.id.as_str();
            let elsewhere = elsewhere::find(ledger.as_deref(), id, client).await;
            return Err(elsewhere.unwrap_or_else(|| error.into()));
        }
        got => got?,
    };
    if args.json {
        return print::prediction(&prediction, None);
    }
    print::stdout(prediction.status())?;
    output(&connection.client, &prediction)?;
    if let Some(reason) = prediction.error() {
        print::stderr(format_args!("reason: {reason}"));
    }
    Ok(())
}

/// The URLs of an output that consists of files, else all of it.
fn output(client: &Client, prediction: &Prediction) -> Result<(), Failure> {
    match client.contents(prediction, None) {
        Ok(Contents::Nothing) => Ok(()),
        Ok(Contents::Files(files)) => files
            .iter()
            .try_for_each(|file| print::stdout(shorten_data_uris(file.url()))),
        Err(error) if prediction.output().is_null() => {
            print::stderr(format_args!("note: {error}"));
            Ok(())
        }
        // Showing it is not a failure, whatever it is.
        _ => {
            let text = OutputText::of(prediction);
            if text.is_json() {
                return print::json(shorten_data_uris(text.as_str()));
            }
            print::output(&text)
        }
    }
}
