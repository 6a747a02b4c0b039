//! `paperboat run`: create, wait, save.

use cometapi::Input;
use cometapi_batch::Usd;
use serde_json::{Value, json};

use crate::args::Run;
use crate::command::{create, finish, save};
use crate::connect::Connection;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::pricing::{self, Pricing};
use crate::progress::Progress;
use crate::watched::Watched;
use crate::{check, connect, input, print};

pub(crate) async fn execute(args: Run) -> Result<(), Failure> {
    let input = input::read(&args.what)?;
    check::check(&args.what, &input)?;
    let input = Input::from(input);
    let ended = if args.mock {
        let connection = connect::mock().await?;
        run(&args, input, &connection)
            .await
            .map_err(Failure::in_mock)
    } else {
        let connection = connect::service(&args.service, args.outputs.allow_private_files)?;
        run(&args, input, &connection).await
    };
    ended.map_err(|failure| match &args.key.once {
        Some(_) => failure.continued_by_the_same_command(),
        None => failure.not_to_be_run_again(),
    })
}

async fn run(args: &Run, input: Input, connection: &Connection) -> Result<(), Failure> {
    let (client, outputs) = (&connection.client, &args.outputs);
    let mut pricing = Pricing::begin(connection, args.money.assume_price);
    if args.dry_run {
        let balance = pricing::balance(connection, &args.service);
        let ((), balance) = tokio::join!(pricing.settled(), balance);
        return show_plan(args, &input, &pricing, balance);
    }
    if args.money.max_cost.is_some() {
        pricing.needed().await;
    }
    save::prepare_folder(outputs.folder())?;
    let mut once = create::once(client, &args.ledger, &args.key, args.mock)?
        .timeout(outputs.timeout)
        .prices(pricing.source());
    if let Some(max) = args.money.max_cost {
        once = once.max_cost(max);
    }
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

/// Prints what would be sent, what it would cost, and what is left to pay it with.
fn show_plan(
    args: &Run,
    input: &Input,
    pricing: &Pricing,
    balance: Option<Usd>,
) -> Result<(), Failure> {
    let model = args.what.model.to_string();
    let listed = pricing.lookup(&model);
    let price = pricing.price(&model);
    let discounted = listed.as_ref().ok().map(|price| price.discounted);
    if args.outputs.json {
        return print::json(json!({
            "model": model,
            "input": input.fields(),
            "price_usd": price,
            "discounted_usd": discounted,
            "balance_usd": balance,
        }));
    }
    let price = match (price, listed) {
        (_, Ok(listed)) => pricing::listed(&listed),
        (Some(price), Err(_)) => format!("{price} (assumed)"),
        (None, Err(why)) => why.trim_start_matches("price ").to_owned(),
    };
    let input = Value::from(input.fields().clone());
    print::stdout(format_args!("model    {model}"))?;
    print::stdout(format_args!("price    {price}"))?;
    if let Some(balance) = balance {
        print::stdout(format_args!("balance  {balance}"))?;
    }
    print::stdout(format_args!("input    {input}"))
}
