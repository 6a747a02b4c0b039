//! `cometapi wait`: finish what any process began.

use crate::args::Wait;
use crate::command::{finish, save};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{connect, interrupt};

pub(crate) async fn execute(args: Wait) -> Result<(), Failure> {
    let connection = connect::service(args.service)?;
    save::make_folder(&args.outputs.output)?;
    let client = &connection.client;
    let mut interrupt = interrupt::listen().await;
    let progress = Progress::begin("waiting");
    let id = args.id.as_str();
    let wait = client.predictions().wait(id);
    finish::finish(client, id, wait, &args.outputs, progress, &mut interrupt).await
}
