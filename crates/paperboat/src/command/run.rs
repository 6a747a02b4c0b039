//! `paperboat run`: create, wait, save.

use cometapi::{Client, Input};

use crate::args::Run;
use crate::command::{create, finish, save};
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::progress::Progress;
use crate::watched::Watched;
use crate::{check, connect, input};

pub(crate) async fn execute(args: Run) -> Result<(), Failure> {
    let input = input::read(&args.what)?;
    check::check(&args.what, &input)?;
    let input = Input::from(input);
    let ended = if args.mock {
        let connection = connect::mock().await?;
        run(&args, input, &connection.client)
            .await
            .map_err(Failure::in_mock)
    } else {
        let connection = connect::service(&args.service, args.outputs.allow_private_files)?;
        run(&args, input, &connection.client).await
    };
    ended.map_err(|failure| match &args.key.once {
        Some(_) => failure.continued_by_the_same_command(),
        None => failure.not_to_be_run_again(),
    })
}

async fn run(args: &Run, input: Input, client: &Client) -> Result<(), Failure> {
    let outputs = &args.outputs;
    save::prepare_folder(outputs.folder())?;
    let once = create::once(client, &args.ledger, &args.key, args.mock)?.timeout(outputs.timeout);
    let mut signals = Signals::listen();
    let watched = Watched::new(Progress::begin("creating"));
    let mut run = create::run(once, &args.what, input, &watched);
    let (id, signal) = create::created(&mut run, &watched, &mut signals).await?;
    if let Some(signal) = signal {
        return Err(Failure::interrupted(signal, &id));
    }
    let waiting = finish::Waiting {
        client,
        outputs,
        run,
        progress: watched.progress(),
        prints_text: outputs.output.is_none(),
    };
    waiting.finish(&id, &mut signals).await
}
