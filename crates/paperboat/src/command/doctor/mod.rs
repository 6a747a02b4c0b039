//! `paperboat doctor`: checks what a first request needs, one by one.

mod account;
mod check;
mod local;
mod secret;
mod service;
mod setup;
mod smoke;

use std::time::Duration;

use tokio::time::timeout;

use self::check::{Check, Report, Status};
use self::setup::Setup;
use crate::args::Doctor;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::{connect, print};

/// What to look at when the first request fails, in the order in which it usually helps.
const CHECKLIST: &str = "\
If the first request fails:
  1. the key was created at the service of the base URL, and is whole: no other service accepts it
  2. the account has a balance left
  3. the model's name is exact, as OWNER/NAME: paperboat models
  4. the base URL has no path but /replicate/v1, which is appended where it has none
  5. no proxy, VPN or firewall answers instead of the service";

pub(crate) async fn execute(args: Doctor) -> Result<(), Failure> {
    let smoke = smoke::prepare(&args)?;
    // Commands for secrets may ask the user something, and ctrl-c ends them, so they run first.
    let setup = Setup::of(&args);
    let mut signals = Signals::listen();
    let mut report = signals
        .unless(Box::pin(all(&args, &setup)))
        .await
        .map_err(Failure::ended_by)?;
    let smoke = match (smoke, &setup.client) {
        (Some(smoke), Some(client)) => {
            smoke::run(smoke, &args, client, &setup, &mut report, &mut signals).await
        }
        _ => Ok(()),
    };
    if args.json {
        print::json(format_args!("{:#}", report.json()))?;
    } else {
        for line in report.lines() {
            print::stdout(line)?;
        }
        print::stdout("")?;
        print::document(CHECKLIST)?;
    }
    smoke?;
    report.outcome()
}

async fn all(args: &Doctor, setup: &Setup) -> Report {
    let mut report = Report::default();
    setup
        .checks
        .iter()
        .cloned()
        .for_each(|check| report.add(check));
    remote(args.timeout, setup, &mut report).await;
    report.add(within(args.timeout, "ledger", local::ledger(&args.ledger)).await);
    report.add(local::folder());
    report.add(local::proxies());
    report
}

/// The checks of the service: a later one needs what an earlier one found.
async fn remote(limit: Duration, setup: &Setup, report: &mut Report) {
    let Some(client) = &setup.client else {
        for name in [
            "dns",
            "connection",
            "clock",
            "key accepted",
            "balance",
            "prices",
        ] {
            report.add(Check::skipped(name, "the base url cannot be used"));
        }
        return;
    };
    let address = service::Address::of(client);
    let dns = service::dns(&address, limit).await;
    let is_resolved = dns.status() != Status::Failed;
    report.add(dns);
    let is_connected = if is_resolved {
        let (connection, clock) = service::connection(&address, limit).await;
        let is_connected = connection.status() != Status::Failed;
        report.add(connection);
        report.add(clock);
        is_connected
    } else {
        report.add(Check::skipped("connection", "the name is not resolved"));
        report.add(Check::skipped(
            "clock",
            "there is no response to compare it with",
        ));
        false
    };
    if !is_connected {
        for name in ["key accepted", "balance", "prices"] {
            report.add(Check::skipped(name, "the service cannot be reached"));
        }
        return;
    }
    report.add(match &setup.key {
        Some(_) => service::key(client, limit).await,
        None => Check::skipped("key accepted", "there is no key"),
    });
    match connect::account_with(client, setup.token.as_ref()) {
        Ok(Some(account)) => {
            let balance = account::balance(&account, setup.key.is_some());
            report.add(within(limit, "balance", balance).await);
            report.add(within(limit, "prices", account::prices(&account)).await);
        }
        Ok(None) => {
            for name in ["balance", "prices"] {
                report.add(Check::skipped(
                    name,
                    "the service is not CometAPI; to name its account: COMETAPI_ACCOUNT_URL",
                ));
            }
        }
        Err(failure) => {
            report.add(Check::failed("balance", &failure));
            report.add(Check::skipped("prices", "the account cannot be used"));
        }
    }
}

/// The check, unless it takes longer than this.
async fn within(limit: Duration, name: &'static str, check: impl Future<Output = Check>) -> Check {
    timeout(limit, check).await.unwrap_or_else(|_| {
        let detail = format!("no response within {limit:?}");
        Check::failed_with(
            name,
            detail,
            "try again later; to wait longer: --timeout 60s",
        )
    })
}
