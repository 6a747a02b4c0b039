//! `paperboat run`: create, wait, save.

use cometapi::{Input, models, shorten_data_uris};
use cometapi_batch::Usd;
use serde_json::{Value, json};

use crate::args::{Destination, Run};
use crate::command::{create, finish, many, place, save};
use crate::connect::Connection;
use crate::failure::Failure;
use crate::input::{self, Fields};
use crate::interrupt::Signals;
use crate::pricing::{self, Pricing};
use crate::progress::Progress;
use crate::watched::Watched;
use crate::{check, connect, ledger, print};

pub(crate) async fn execute(args: Run) -> Result<(), Failure> {
    let fields = input::read_fields(&args.what)?;
    start(args, fields).await
}

/// Runs the model of `args` on these fields: once, or for each of several values.
pub(super) async fn start(args: Run, mut fields: Fields) -> Result<(), Failure> {
    let Run { what, options } = &args;
    let model = models::find(&what.model.to_string());
    if let Some(model) = model.filter(|_| !what.force) {
        place::ask_for_type(&options.outputs, model, &mut fields.values);
    }
    let mut first = fields.values.clone();
    let of_sweeps = fields.sweeps.iter();
    first.extend(of_sweeps.filter_map(|(key, all)| Some((key.clone(), all.first()?.clone()))));
    check::check(what, &first)?;
    place::check(&options.outputs, what, model, &first)?;
    let is_many = options.repeat > 1 || !fields.sweeps.is_empty();
    if is_many {
        many::check(options)?;
    }
    let connection = if options.mock {
        connect::mock().await?
    } else {
        connect::service(&options.service, options.outputs.allow_private_files)?
    };
    if is_many {
        return many::run(&args, fields, &connection).await;
    }
    let ended = run(&args, Input::from(fields.values), &connection).await;
    let ended = if options.mock {
        ended.map_err(Failure::in_mock)
    } else {
        ended
    };
    ended.map_err(|failure| match &options.key.once {
        Some(_) => failure.continued_by_the_same_command(),
        None => failure.not_to_be_run_again(),
    })
}

async fn run(args: &Run, input: Input, connection: &Connection) -> Result<(), Failure> {
    let Run { what, options } = args;
    let (client, outputs) = (&connection.client, &options.outputs);
    let mut pricing = Pricing::begin(connection, options.money.assume_price);
    if options.dry_run {
        let balance = pricing::balance(connection, &options.service);
        let ((), balance) = tokio::join!(pricing.settled(), balance);
        return show_plan(args, &input, &pricing, balance);
    }
    if options.money.max_cost.is_some() {
        pricing.needed().await;
    }
    let model = what.model.to_string();
    save::prepare_to_create(options, models::find(&model))?;
    let ledger = ledger::of_single(&options.ledger, options.mock).await?;
    let mut once = create::once(client, ledger.clone(), &options.key, options.mock)?
        .timeout(outputs.timeout)
        .prices(pricing.source());
    if let Some(named) = &outputs.output
        && *named != Destination::Stdout
    {
        once = once.saved_in(named.folder(), named.names().as_ref());
    }
    if let Some(max) = options.money.max_cost {
        once = once.max_cost(max);
    }
    let mut signals = Signals::listen();
    let watched = Watched::new(Progress::begin("creating"));
    let usual = ledger::usual(ledger.as_deref(), &connection.service_name(), &model).await;
    watched.progress().set_usual(usual);
    let mut run = create::run(once, what, input, &watched);
    let (id, signal) = create::created(&mut run, &watched, &mut signals).await?;
    if options.no_wait {
        watched.progress().finish();
        return create::end(&run, client, &id, signal, outputs.json).await;
    }
    if let Some(signal) = signal {
        return Err(Failure::interrupted(signal, &id));
    }
    let waiting = finish::Waiting {
        client,
        outputs,
        run,
        progress: watched.progress(),
        ledger,
        price: pricing.price(&model),
        remembers: true,
        is_alone: true,
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
    if args.options.outputs.json {
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
    let input = shorten_data_uris(&input.to_string());
    print::stdout(format_args!("input    {input}"))
}
