//! `paperboat resolve`: what became of predictions that may have been created.

mod finding;
mod screen;

use std::sync::Arc;

use cometapi::Client;
use cometapi::wire::ClientInfo;
use cometapi_account::{Account, ErrorKind};
use cometapi_batch::{
    Entry, Filter, Finding, Ledger, Resolution, Resolve as Engine, ResolveError, State,
    record_charges,
};

use crate::args::Resolve;
use crate::command::{batch, place, save, wait};
use crate::failure::Failure;
use crate::{advice, connect, exit, ledger, print};

pub(crate) async fn execute(args: Resolve) -> Result<(), Failure> {
    let connection = connect::service(&args.service, args.outputs.allow_private_files)?;
    let client = &connection.client;
    let ledger = ledger::existing(args.ledger.as_ref()).await?;
    let open = unresolved(&*ledger, client).await?;
    check_numbers(&args, &open)?;
    if open.is_empty() {
        print::stderr("no prediction is unresolved");
        let account = connect::account(client, &args.service).ok();
        charge(client, account, &*ledger).await;
        return Ok(());
    }
    let folder = place::folder_of_all(&args.outputs)?;
    if args.outputs.output.is_some() {
        save::prepare_folder(folder)?;
    }
    let account = connect::account(client, &args.service);
    let found = match &account {
        _ if args.force && decides(&args) => Vec::new(),
        Ok(account) => {
            let engine = Engine::new(client, Arc::clone(&ledger), account);
            let found = engine.run().await;
            let mut found =
                found.map_err(|e| undecided(&args, &open, refused(&e), may_pass(&e)))?;
            found.sort_by_key(|it| it.entry.seq);
            found.iter_mut().for_each(by_time);
            found
        }
        Err(_) => Vec::new(),
    };
    let account = match account {
        Ok(account) => Some(account),
        Err(_) if args.force && decides(&args) => None,
        Err(failure) => return Err(undecided(&args, &open, failure, false)),
    };
    let engine = Engine::manual(client, Arc::clone(&ledger));
    let adopted = settle(&args, &engine, &open, &found).await?;
    charge(client, account, &*ledger).await;
    let waited = if adopted {
        wait::everything(&args.outputs, client, Arc::clone(&ledger)).await
    } else {
        Ok(())
    };
    let left = unresolved(&*ledger, client).await?.len();
    if left == 0 {
        return waited;
    }
    // Money in doubt is the most severe.
    if let Err(failure) = waited {
        print::failure(&failure);
    }
    let message = match left {
        1 => "1 prediction is still unresolved".to_owned(),
        left => format!("{left} predictions are still unresolved"),
    };
    Err(Failure::of_many(exit::DOUBT, message))
}

/// Whether the person says what predictions are.
fn decides(args: &Resolve) -> bool {
    !args.adopt.is_empty() || !args.not_created.is_empty()
}

/// The numbers that the person gives, in order.
fn numbers(args: &Resolve) -> impl Iterator<Item = u64> {
    let adopted = args.adopt.iter().map(|(seq, _)| *seq);
    adopted.chain(args.not_created.iter().copied())
}

/// Refuses a number that is not that of an unresolved prediction, and one that is given twice.
fn check_numbers(args: &Resolve, open: &[Entry]) -> Result<(), Failure> {
    for (index, seq) in numbers(args).enumerate() {
        if !open.iter().any(|entry| entry.seq == seq) {
            let what = format!("no unresolved prediction has the number {seq}");
            return Err(Failure::usage(what)
                .with_advice(format!("to see them: {}", advice::command("resolve", ""))));
        }
        if numbers(args).take(index).any(|earlier| earlier == seq) {
            return Err(Failure::usage(format!("the number {seq} is given twice")));
        }
    }
    Ok(())
}

/// Whether what went wrong may pass, so that it is no reason to decide without the account.
fn may_pass(error: &ResolveError) -> bool {
    match error {
        ResolveError::Ledger(_) => true,
        ResolveError::Account(e) => {
            matches!(e.kind(), ErrorKind::Unreachable | ErrorKind::Unavailable)
        }
        _ => false,
    }
}

/// Shows the predictions whose tasks cannot be listed, for the person to decide, unless that `may_pass`.
fn undecided(args: &Resolve, open: &[Entry], failure: Failure, may_pass: bool) -> Failure {
    for entry in open {
        if let Err(unprinted) = screen::show(args, entry, None) {
            return unprinted;
        }
    }
    if may_pass {
        let resolve = advice::command("resolve", "");
        return failure.with_advice(format!("nothing was recorded; to try again: {resolve}"));
    }
    failure
        .with_advice(
            "or look for the request in the service's console, for CometAPI's at \
             https://www.cometapi.com/console, then:",
        )
        .with_advice(format!(
            "  {}",
            advice::command("resolve", "--force --adopt N=ID")
        ))
        .with_advice(format!(
            "or, if it is not there: {}",
            advice::command("resolve", "--force --not-created N")
        ))
}

/// Puts candidates in order of time: the service lists the newest first, and counts seconds.
fn by_time(resolution: &mut Resolution) {
    if let Finding::Candidates(candidates) = &mut resolution.finding {
        candidates.reverse();
        candidates.sort_by_key(|it| it.task.submitted_at);
    }
}

/// Records what the person says, and shows what is known of each. Returns whether there is something to
/// wait for.
async fn settle(
    args: &Resolve,
    engine: &Engine,
    open: &[Entry],
    found: &[Resolution],
) -> Result<bool, Failure> {
    let checked = if args.force {
        Ok(())
    } else {
        check_decisions(args, found)
    };
    let mut adopted = false;
    for resolution in found {
        let seq = resolution.entry.seq;
        adopted |= matches!(resolution.finding, Finding::Adopted(_));
        if checked.is_err() || !numbers(args).any(|decided| decided == seq) {
            screen::show(args, &resolution.entry, Some(&resolution.finding))?;
        }
    }
    checked?;
    let entry = |seq| open.iter().find(|entry| entry.seq == seq);
    for (seq, id) in &args.adopt {
        let id = id.as_str();
        if !is_adopted(*seq, id, found) {
            let recorded = engine.adopt(*seq, id).await;
            recorded.map_err(|e| batch::refused(&e))?;
        }
        adopted = true;
        if let Some(entry) = entry(*seq) {
            screen::show_adopted(args, entry, id)?;
        }
    }
    for seq in &args.not_created {
        let recorded = engine.not_created(*seq).await;
        recorded.map_err(|e| batch::refused(&e))?;
        if let Some(entry) = entry(*seq) {
            screen::show_not_created(args, entry)?;
        }
    }
    Ok(adopted)
}

/// Whether the account's tasks have already shown that the prediction is this one.
fn is_adopted(seq: u64, id: &str, found: &[Resolution]) -> bool {
    matches!(finding(seq, found), Some(Finding::Adopted(it)) if it.task.id == id)
}

fn finding(seq: u64, found: &[Resolution]) -> Option<&Finding> {
    let of = |it: &&Resolution| it.entry.seq == seq;
    found.iter().find(of).map(|it| &it.finding)
}

/// Refuses what the account's tasks do not show.
fn check_decisions(args: &Resolve, found: &[Resolution]) -> Result<(), Failure> {
    for (seq, id) in &args.adopt {
        let id = id.as_str();
        let shows = match finding(*seq, found) {
            Some(Finding::Candidates(candidates)) => candidates.iter().any(|it| it.task.id == id),
            _ => is_adopted(*seq, id, found),
        };
        if !shows {
            let what = format!("the account's tasks do not show that {seq} may be {id}");
            return Err(unless_forced(what));
        }
    }
    for seq in &args.not_created {
        let why = match finding(*seq, found) {
            Some(Finding::Absent { .. }) => continue,
            Some(Finding::Candidates(_)) => "a task may be it",
            Some(Finding::Adopted(_)) => "it was created",
            _ => "no task is it, but that proves nothing yet",
        };
        return Err(unless_forced(format!(
            "{seq} is not recorded as not created: {why}"
        )));
    }
    Ok(())
}

fn unless_forced(what: String) -> Failure {
    Failure::usage(what).with_advice("to record it anyway: --force")
}

/// Records what predictions cost, if there is an access token; that is not worth an error.
async fn charge(client: &Client, account: Option<Account>, ledger: &dyn Ledger) {
    let Some(account) = account.filter(Account::has_access_token) else {
        return;
    };
    if let Ok(costs) = ledger.costs(Filter::default()).await {
        let _ = record_charges(ledger, &account, client.raw().baseurl(), &costs).await;
    }
}

/// The unresolved predictions of the service, oldest first.
async fn unresolved(ledger: &dyn Ledger, client: &Client) -> Result<Vec<Entry>, Failure> {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let mut filter = Filter::default();
        filter.states = vec![State::Unresolved];
        filter.before = before;
        let page = ledger.list(filter).await.map_err(|e| batch::refused(&e))?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        let service = client.raw().baseurl();
        let is_open = |it: &Entry| it.service == service && it.id.is_none();
        found.extend(page.into_iter().filter(is_open));
    }
    found.reverse();
    Ok(found)
}

fn refused(error: &ResolveError) -> Failure {
    match error {
        ResolveError::Ledger(e) => batch::refused(e),
        ResolveError::Service(e) => Failure::other(e.to_string(), e),
        ResolveError::Account(e) => Failure::account(e),
        _ => Failure::other("the account's tasks cannot be listed", error),
    }
}
