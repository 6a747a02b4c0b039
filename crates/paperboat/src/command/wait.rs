//! `paperboat wait`: waits for predictions that any process created.

mod all;
mod several;

use std::collections::BTreeSet;

use cometapi::Client;
use cometapi::wire::PredictionId;
use cometapi_batch::Single;

use crate::args::Wait;
use crate::command::finish::Waiting;
use crate::command::save;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::progress::Progress;
use crate::{connect, ledger};

pub(crate) async fn execute(args: Wait) -> Result<(), Failure> {
    let connection = connect::service_with_files(&args.service, args.outputs.allow_private_files)?;
    // Without -o it may well be text, which needs no folder.
    if args.outputs.output.is_some() {
        save::prepare_folder(args.outputs.folder())?;
    }
    let client = &connection.client;
    if args.all {
        return all::execute(&args, client).await;
    }
    let mut seen = BTreeSet::new();
    let ids = args.ids.iter().map(PredictionId::as_str);
    // Waited for twice, a prediction would be saved twice.
    let ids: Vec<_> = ids.filter(|id| seen.insert(*id)).collect();
    match ids[..] {
        [id] => one(&args, client, id).await,
        _ => several::execute(&args, client, &ids).await,
    }
}

async fn one(args: &Wait, client: &Client, id: &str) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let waiting = waiting(args, client, id, Progress::begin("waiting")).await?;
    waiting.finish(id, &mut signals).await
}

async fn waiting<'a>(
    args: &'a Wait,
    client: &'a Client,
    id: &str,
    mut progress: Progress,
) -> Result<Waiting<'a>, Failure> {
    let adopted = match ledger::of_wait(&args.ledger) {
        Some(ledger) => Single::adopt(client, ledger, id).await,
        None => Ok(None),
    };
    let adopted = adopted.unwrap_or_else(|e| {
        progress.recorded(Err(e));
        None
    });
    Ok(Waiting {
        client,
        outputs: &args.outputs,
        wait: client.predictions().wait(id),
        record: adopted.unwrap_or_else(|| Single::unrecorded(None)),
        progress,
        // Of several, nothing on stdout would say whose text it is.
        prints_text: args.ids.len() == 1 && args.outputs.output.is_none(),
    })
}
