//! The one check that costs money: a small prediction from creation to end.

use std::io::{self, IsTerminal};

use cometapi::models::{self, Model};
use cometapi::{Client, Input};
use cometapi_batch::Usd;

use super::account;
use super::check::{Check, Report};
use super::setup::Setup;
use crate::args::{Doctor, Key, SentFiles, What};
use crate::command::create;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::progress::Progress;
use crate::watched::Watched;
use crate::{advice, check, connect, exit, input, ledger, print, secrets};

const NAME: &str = "smoke";

/// What makes a prediction small, for each model that has such a field.
const SMALLEST: [(&str, &str); 2] = [("num_outputs", "1"), ("megapixels", "0.25")];

/// The request, checked before anything is sent.
pub(super) struct Smoke {
    what: What,
    input: Input,
}

/// The request that the arguments ask for. One that nobody can agree to, and an input that does not
/// fit the model, are refused.
pub(super) fn prepare(args: &Doctor) -> Result<Option<Smoke>, Failure> {
    if !args.smoke {
        return Ok(None);
    }
    let can_be_asked = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !args.yes && !can_be_asked {
        let refused =
            Failure::usage("--smoke creates a paid prediction, and there is no terminal to ask at");
        return Err(refused.with_advice("to create it without asking: --yes"));
    }
    let what = smallest(args);
    let input = input::read(&what)?;
    check::check(&what, &input)?;
    Ok(Some(Smoke {
        what,
        input: input.into(),
    }))
}

/// Creates the prediction after asking, unless a check failed, and adds the check. A failure of the
/// request itself is returned.
pub(super) async fn run(
    smoke: Smoke,
    args: &Doctor,
    client: &Client,
    setup: &Setup,
    report: &mut Report,
    signals: &mut Signals,
) -> Result<(), Failure> {
    if report.has_failed() {
        report.add(Check::skipped(NAME, "a check failed, so nothing was sent"));
        return Ok(());
    }
    let Smoke { what, input } = smoke;
    let price = match connect::account_with(client, setup.token.as_ref()) {
        Ok(Some(account)) => account::price(&account, &what.model).await,
        _ => None,
    };
    let named = price.map_or_else(
        || "price unknown".to_owned(),
        |price| format!("up to {price}"),
    );
    let model = &what.model;
    print::question(format_args!("a prediction of {model} ({named})"));
    if !args.yes && !agrees(signals).await? {
        report.add(Check::skipped(NAME, "not agreed to, so nothing was sent"));
        return Ok(());
    }
    let ended = created(args, client, &what, input, price, signals).await;
    report.add(match &ended {
        Ok(id) => Check::ok(NAME, format!("prediction {id} succeeded ({named})")).then(format!(
            "to save its files: {}",
            advice::command("wait", &advice::shell_word(id))
        )),
        Err(failure) => Check::failed(NAME, failure).ends_with(match failure.code() {
            exit::KEY => exit::KEY,
            _ => exit::OTHER,
        }),
    });
    ended.map(drop)
}

/// The prediction, recorded as those of `run` are, so that it can be found if this is interrupted.
async fn created(
    args: &Doctor,
    client: &Client,
    what: &What,
    input: Input,
    price: Option<Usd>,
    signals: &mut Signals,
) -> Result<String, Failure> {
    let key = Key {
        once: None,
        retry_unresolved: false,
    };
    let ledger = ledger::of_single(&args.ledger, false).await?;
    let once = create::once(client, ledger, &key, false)?.prices(move |_| price);
    let watched = Watched::new(Progress::begin("creating"));
    let mut run = create::run(once, what, input, &watched);
    let (id, signal) = create::created(&mut run, &watched, signals).await?;
    if let Some(signal) = signal {
        return Err(Failure::interrupted(signal, &id));
    }
    let ended = signals.unless(run.terminal()).await;
    let ended = ended.map_err(|signal| Failure::interrupted(signal, &id))?;
    match ended?.into_outcome() {
        Ok(_) => Ok(id),
        Err(error) => {
            watched.progress().recorded(run.failed(&error).await);
            Err(error.into())
        }
    }
}

fn smallest(args: &Doctor) -> What {
    let known = models::find(&args.model.to_string());
    let has = |name: &str| known.is_some_and(|model: &Model| model.field(name).is_some());
    let small = SMALLEST.iter().filter(|(name, _)| has(name));
    let small = small.map(|(name, value)| format!("{name}={value}"));
    What {
        model: args.model.clone(),
        pairs: [String::from("prompt=a red dot")]
            .into_iter()
            .chain(small)
            .collect(),
        input: None,
        force: false,
        files: SentFiles {
            max_file_size: cometapi::ImageInput::DOCUMENTED_LIMIT,
            image_max: None,
        },
    }
}

/// Asks on the terminal. Anything but a yes is a no.
async fn agrees(signals: &mut Signals) -> Result<bool, Failure> {
    print::question("create it, and pay for it? [y/N]");
    let answer = secrets::line(signals).await?;
    let answer = answer.trim().to_lowercase();
    Ok(answer == "y" || answer == "yes")
}
