//! `cometapi create`: start a run, print its id, and leave.

use cometapi::{Client, CreateProgress, Input, Prediction};
use futures_util::FutureExt;
use tokio::sync::mpsc::unbounded_channel;

use crate::args::{Create, What};
use crate::failure::Failure;
use crate::interrupt::{self, Interrupt};
use crate::progress::Progress;
use crate::record::Record;
use crate::{check, connect, input, ledger, print, report};

pub(crate) async fn execute(args: Create) -> Result<(), Failure> {
    let input = input::read(&args.what)?;
    check::check(&args.what, &input)?;
    let connection = connect::service(&args.service)?;
    let ledger = ledger::of_single(&args.ledger, false)?;
    let mut interrupt = interrupt::listen().await;
    let mut record = Record::begin(ledger, &connection.client, &args.what.model, &input).await?;
    let mut progress = Progress::begin("creating");
    let created = send(
        &connection.client,
        &args.what,
        input.into(),
        &mut record,
        &mut progress,
        &mut interrupt,
    )
    .await?;
    drop(progress);
    let printed = if args.json {
        report::json(&created).and_then(|json| print::json(format_args!("{json:#}")))
    } else {
        print::data(created.id())
    };
    printed.map_err(|failure| failure.with_way_back(created.id()))
}

/// What a create is doing, as far as a person wants to know.
enum Doing {
    Sending,
    Pausing(String),
}

/// Creates; when the person stops it on the way, says whether it may exist.
pub(super) async fn send(
    client: &Client,
    what: &What,
    input: Input,
    record: &mut Record,
    progress: &mut Progress,
    interrupt: &mut Interrupt,
) -> Result<Prediction, Failure> {
    let (watcher, mut doing) = unbounded_channel();
    let create = client
        .predictions()
        .create(&what.model, input)
        .on_progress(move |now| {
            let now = match now {
                CreateProgress::Pausing { pause, cause, .. } => Doing::Pausing(format!(
                    "{cause}; trying again in {:.1} s",
                    pause.as_secs_f64()
                )),
                _ => Doing::Sending,
            };
            // Nobody listens any more once the command has ended.
            let _ = watcher.send(now);
        });
    // What does not fit got here by force only.
    let create = if what.force {
        create.unchecked()
    } else {
        create
    };
    // Pressed while the intent was written down: nothing has left yet.
    if interrupt.as_mut().now_or_never().is_some() {
        record.not_sent().await;
        return Err(Failure::interrupted_before_create());
    }
    let mut create = create.into_future();
    let mut on_its_way = false;
    loop {
        tokio::select! {
            // What it is doing before what came of it, and both before the person.
            biased;
            Some(now) = doing.recv() => match now {
                Doing::Sending => on_its_way = true,
                Doing::Pausing(why) => {
                    on_its_way = false;
                    progress.say(why);
                }
            },
            created = &mut create => {
                // It is paid for, and the id is the way back to it.
                let show = |id: &str| progress.say(format_args!("created {id}"));
                record.answered(&created, show).await?;
                return Ok(created?);
            }
            () = &mut *interrupt => {
                // What the create did in this very turn counts too.
                while let Ok(now) = doing.try_recv() {
                    on_its_way = matches!(now, Doing::Sending);
                }
                if on_its_way {
                    return Err(Failure::interrupted_create());
                }
                record.not_sent().await;
                return Err(Failure::interrupted_before_create());
            }
        }
    }
}
