//! `cometapi create`: start a run, print its id, and leave.

use std::io::IsTerminal;

use cometapi::{Client, Input, ModelRef, Prediction};

use crate::args::Create;
use crate::failure::Failure;
use crate::interrupt::{self, Interrupt};
use crate::progress::Progress;
use crate::{connect, input, print, report};

pub(crate) async fn execute(args: Create) -> Result<(), Failure> {
    let input = input::read(&args.what)?;
    let connection = connect::service(args.service)?;
    let mut interrupt = interrupt::listen().await;
    let progress = Progress::begin("creating");
    let created = send(
        &connection.client,
        &args.what.model,
        input.into(),
        &mut interrupt,
    )
    .await?;
    drop(progress);
    let printed = if args.json {
        report::json(&created).and_then(|json| print::data(format_args!("{json:#}")))
    } else {
        print::data(created.id())
    };
    // It has been paid for: a pipe that has broken must not take the id with it.
    if !std::io::stdout().is_terminal() {
        print::talk(format_args!("created {}", created.id()));
    }
    printed.map_err(|failure| failure.with_way_back(created.id()))
}

/// Creates; when the person stops it on the way, says that it may exist.
pub(super) async fn send(
    client: &Client,
    model: &ModelRef,
    input: Input,
    interrupt: &mut Interrupt,
) -> Result<Prediction, Failure> {
    let create = client.predictions().create(model, input).into_future();
    tokio::select! {
        created = create => Ok(created?),
        () = interrupt => Err(Failure::interrupted_create()),
    }
}
