//! `paperboat run`: create, wait, save.

use cometapi::{Client, Input};

use crate::args::Run;
use crate::command::{create, finish, save};
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::progress::Progress;
use crate::{check, connect, input, ledger};

pub(crate) async fn execute(args: Run) -> Result<(), Failure> {
    let input = input::read(&args.what)?;
    check::check(&args.what, &input)?;
    let input = Input::from(input);
    if args.mock {
        let connection = connect::mock().await?;
        run(&args, input, &connection.client)
            .await
            .map_err(Failure::in_mock)
    } else {
        let connection = connect::service(&args.service, args.outputs.allow_private_files)?;
        run(&args, input, &connection.client).await
    }
}

async fn run(args: &Run, input: Input, client: &Client) -> Result<(), Failure> {
    let (what, outputs) = (&args.what, &args.outputs);
    save::prepare_folder(outputs.folder())?;
    let ledger = ledger::of_single(&args.ledger, args.mock)?;
    let mut signals = Signals::listen();
    let mut record = create::begin(ledger, client, what, input.fields()).await?;
    let mut progress = Progress::begin("creating");
    let (created, signal) = create::send(
        client,
        what,
        input,
        &mut record,
        &mut progress,
        &mut signals,
    )
    .await?;
    if let Some(signal) = signal {
        return Err(Failure::interrupted(signal, created.id()));
    }
    let id = created.id().to_owned();
    let wait = client
        .predictions()
        .follow(created)
        .schedule(record.schedule());
    let run = finish::Waiting {
        client,
        outputs,
        wait,
        record,
        progress,
        prints_text: outputs.output.is_none(),
    };
    run.finish(&id, &mut signals).await
}
