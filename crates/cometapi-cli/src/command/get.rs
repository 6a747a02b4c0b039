//! `cometapi get`: look once.

use crate::args::Get;
use crate::failure::Failure;
use crate::{connect, print, report};

pub(crate) async fn execute(args: Get) -> Result<(), Failure> {
    let connection = connect::service(&args.service)?;
    let prediction = connection.client.predictions().get(&args.id).await?;
    if args.json {
        return print::json(format_args!("{:#}", report::json(&prediction)?));
    }
    print::data(print::plain(prediction.status()))?;
    for url in prediction.output().urls() {
        print::data(print::plain(url))?;
    }
    if let Some(reason) = prediction.error() {
        print::talk(format_args!("reason: {reason}"));
    }
    Ok(())
}
