//! B9: how many requests per second the mock serves, with validation on.
//!
//! The servers are in a process of their own, and the same bare loop sends the same requests to
//! both: a create request, then polls until the prediction has succeeded. `wiremock` answers with
//! two fixed bodies and checks nothing. The mock keeps each prediction's state, and checks each
//! request and each response against `openapi.yaml`.

use std::future::pending;

use anyhow::bail;
use cometapi_mock::wiremock::Contract;
use cometapi_mock::{MockServer, Pace};
use serde_json::json;
use wiremock::Mock;

use crate::bare::Bare;
use crate::context::Context;
use crate::load::repeat;
use crate::measure::{Pairs, Readings, Region, Side};
use crate::report::Row;
use crate::server::Server;

const AT_ONCE: u32 = 8;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Kind {
    Mock,
    Wiremock,
}

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let count = context.scale(5_000, 20);
    let run = |kind: &str| {
        let server = Server::spawn(&["serve-mock".to_owned(), kind.to_owned()])?;
        let arguments = [server.base_url(), count.to_string()];
        let before = server.processor_time();
        let mut readings = Side::new("mock", "load", arguments).run()?;
        let used = server.processor_time().zip(before);
        let requests = f64::from(count) * 2.0;
        readings.set_some(
            "server",
            used.map(|(after, before)| (after - before) / requests),
        );
        Ok(readings)
    };
    let pairs = Pairs::run(context.pairs(5), || run("mock"), || run("wiremock"))?;
    Ok(vec![
        Row::of_pairs("requests per second", "/s", &pairs, "rate"),
        Row::of_pairs(
            "processor time of the server per request",
            "s",
            &pairs,
            "server",
        ),
    ])
}

pub(crate) fn side(side: &str, arguments: &[String]) -> anyhow::Result<Readings> {
    let ("load", [base_url, count]) = (side, arguments) else {
        bail!("expected load URL COUNT");
    };
    let count = count.parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let bare = Bare::new(base_url)?;
        let region = Region::start();
        repeat(count, AT_ONCE, move |_| {
            let bare = bare.clone();
            async move {
                let input = json!({"prompt": "a paper boat", "aspect_ratio": "1:1"});
                bare.run("black-forest-labs/flux-schnell", &input).await?;
                Ok(())
            }
        })
        .await?;
        let mut readings = region.end();
        let wall = readings.get("wall").unwrap_or(f64::NAN);
        readings.set("rate", f64::from(count) * 2.0 / wall);
        Ok(readings)
    })
}

/// Serves until the process ends, and prints the origin.
pub(crate) fn serve(kind: Kind) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match kind {
            Kind::Mock => {
                // The first poll finds the end, as it does with the one body of wiremock.
                let pace = Pace::instant();
                let server = MockServer::builder().pace(pace).start().await?;
                println!("{}", server.origin());
                pending().await
            }
            Kind::Wiremock => {
                let server = wiremock::MockServer::start().await;
                for (operation, method, path, example) in [
                    ("create_prediction", "POST", "/predictions$", "documented"),
                    ("get_prediction", "GET", "/predictions/", "bare_list"),
                ] {
                    let path = wiremock::matchers::path_regex(path);
                    // The examples only: what is sent is not compared with the document.
                    let answer = Contract::shipped()?.example(operation, 200, example)?;
                    let mock = Mock::given(wiremock::matchers::method(method)).and(path);
                    mock.respond_with(answer).mount(&server).await;
                }
                println!("{}", server.uri());
                pending().await
            }
        }
    })
}
