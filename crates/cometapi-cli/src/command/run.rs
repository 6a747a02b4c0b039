//! `cometapi run`: create, wait, save.

use cometapi::{Client, Input};

use crate::args::{Outputs, Run, What};
use crate::command::{create, finish, save};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{check, connect, input, interrupt};

pub(crate) async fn execute(args: Run) -> Result<(), Failure> {
    let input = input::read(&args.what)?;
    check::check(&args.what, &input)?;
    let input = Input::from(input);
    if args.mock {
        let connection = connect::mock().await?;
        let done = run(&args.what, input, &args.outputs, &connection.client).await;
        done.map_err(Failure::in_mock)
    } else {
        let connection = connect::service(args.service)?;
        run(&args.what, input, &args.outputs, &connection.client).await
    }
}

async fn run(what: &What, input: Input, outputs: &Outputs, client: &Client) -> Result<(), Failure> {
    save::make_folder(&outputs.output)?;
    let mut interrupt = interrupt::listen().await;
    let mut progress = Progress::begin("creating");
    let created = create::send(client, what, input, &mut progress, &mut interrupt).await?;
    // Before anything else: it has been paid for, and the id is the way back to it.
    progress.say(format_args!("created {}", created.id()));
    let id = created.id().to_owned();
    let wait = client.predictions().follow(created);
    finish::finish(client, &id, wait, outputs, progress, &mut interrupt).await
}
