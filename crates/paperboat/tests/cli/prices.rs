//! Price lists, whatever they are: none breaks or delays a command that does not need it, and none is
//! guessed from.

use std::fmt::Write as _;

use cometapi_mock::{AccountEndpoint, Ending, Fault, Hold, MockServer};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::place::{Call, Ended, Place, TOKEN, requested};
use crate::{SCHNELL, fox, quick, server};

/// What `GET /api/models` responds.
enum Response {
    Body(String),
    Fault(Fault),
}

/// A list, and the price that it has for the model of the tests.
struct List {
    name: &'static str,
    response: Response,
    has_price: bool,
}

/// The models of a list, as the service wraps them.
fn data(models: &Value) -> String {
    json!({"success": true, "data": models}).to_string()
}

/// A list of one model with this price.
fn priced(pricing: &Value, ratio: &Value) -> String {
    data(&json!([{"id": SCHNELL, "pricing": pricing, "ratio": ratio}]))
}

/// A hundred thousand models; the one of the tests is the last.
fn long() -> String {
    let mut list = r#"{"success":true,"data":["#.to_owned();
    for number in 1..100_000 {
        let pricing = r#"{"currency":"USD","per_request":"0.01"}"#;
        write!(list, r#"{{"id":"acme/m{number}","pricing":{pricing}}},"#).unwrap();
    }
    let schnell = json!({"id": SCHNELL, "pricing": {"currency": "USD", "per_request": 0.003}});
    list + &schnell.to_string() + "]}"
}

fn lists() -> Vec<List> {
    let body = |name, body, has_price| List {
        name,
        response: Response::Body(body),
        has_price,
    };
    let fault = |name, fault| List {
        name,
        response: Response::Fault(fault),
        has_price: false,
    };
    let strings = json!({"currency": "USD", "per_request": " 3e-3 ", "input": null});
    let nulls = json!({"currency": null, "per_request": null, "input": null});
    let others = json!([null, 3, "x", [], {"id": null}, {"id": {}, "pricing": SCHNELL}]);
    let in_string = json!({"currency": "USD", "per_request": 0.003}).to_string();
    let row = json!([{"id": SCHNELL, "pricing": in_string}]).to_string();
    vec![
        body("strings", priced(&strings, &json!("1.0")), true),
        body("nulls", priced(&nulls, &json!(null)), false),
        body("null pricing", priced(&json!(null), &json!(null)), false),
        body(
            "json in a string",
            priced(&json!(in_string), &json!(null)),
            true,
        ),
        body("rows in a string", data(&json!(row)), true),
        body("100,000 rows", long(), true),
        body("other rows", data(&others), false),
        body("no rows", data(&json!([])), false),
        body("no list", data(&json!(null)), false),
        body(
            "failure",
            r#"{"success":false,"message":"later"}"#.to_owned(),
            false,
        ),
        fault("html", Fault::IndexPage),
        fault("403", Fault::FirewallPage),
        fault("busy", Fault::EmptyTooManyRequests),
        fault("cut", Fault::CutBody),
        fault("closed", Fault::Close),
    ]
}

impl List {
    /// A server with this list, on which every other request succeeds.
    async fn server(self) -> MockServer {
        match self.response {
            Response::Body(body) => quick().models_body(body).start().await.unwrap(),
            Response::Fault(fault) => {
                let server = server().await;
                server.on_account(AccountEndpoint::Models, fault.always());
                server
            }
        }
    }
}

/// The account is where the predictions are.
fn with_account<'p>(call: Call<'p>, server: &MockServer) -> Call<'p> {
    call.at(server.origin())
        .env("COMETAPI_ACCOUNT_URL", server.origin())
}

fn run<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    let args = ["-o", "out"].iter().chain(more).copied();
    let args: Vec<_> = args.collect();
    with_account(fox(place, "run", &args), server)
}

fn create<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    with_account(fox(place, "create", more), server)
}

/// A batch of two rows.
fn batch<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    let rows = ["a", "b"].map(|id| {
        let row = json!({"id": id, "prompt": format!("fox {id}"), "megapixels": "0.25"});
        format!("{row}\n")
    });
    place.write("rows.jsonl", rows.concat());
    let args = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "out"];
    let call = place.paperboat(args.iter().chain(more));
    with_account(call, server)
}

fn prices<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    with_account(place.paperboat(["prices"].iter().chain(more)), server)
}

fn price_requests(server: &MockServer) -> usize {
    server.account_requests(AccountEndpoint::Models)
}

type Command = for<'p> fn(&'p Place, &MockServer, &[&str]) -> Call<'p>;

/// The commands that may have a limit, and how many predictions they create and save.
const COMMANDS: [(Command, usize); 2] = [(run, 1), (batch, 2)];

/// The commands that create predictions, how many they are, and how many files are saved.
const UNLIMITED: [(Command, usize, usize); 3] = [(create, 1, 0), (run, 1, 1), (batch, 2, 2)];

fn saved(place: &Place) -> usize {
    let folder = place.path("out");
    if folder.exists() {
        place.names(folder).len()
    } else {
        0
    }
}

/// The create request is held until the list has been asked for.
#[tokio::test]
async fn a_command_without_a_limit_succeeds_whatever_the_list_is() {
    for (command, predictions, files) in UNLIMITED {
        for list in lists() {
            let (place, name) = (Place::new(), list.name);
            let server = list.server().await;
            let hold = Hold::new();
            server.on_create(Fault::Hold(hold.clone()).always());
            let running = command(&place, &server, &[]).start();
            requested(&server, 1 + predictions as u64).await;
            assert_eq!(
                (price_requests(&server), server.create_requests()),
                (1, predictions),
                "{name}"
            );
            hold.release();
            let ended = running.ends(0).await;
            assert!(!ended.stderr.contains("price"), "{name}: {}", ended.stderr);
            assert_eq!(saved(&place), files);
            assert_eq!(price_requests(&server), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn a_list_that_never_comes_is_not_waited_for() {
    for (command, predictions, files) in UNLIMITED {
        for fault in [Fault::Hang, Fault::StallBody] {
            let place = Place::new();
            let server = server().await;
            server.on_account(AccountEndpoint::Models, fault);
            let hold = Hold::new();
            server.on_create(Fault::Hold(hold.clone()).always());
            let running = command(&place, &server, &[]).start();
            requested(&server, 1 + predictions as u64).await;
            hold.release();
            running.ends(0).await;
            // What never ends has not ended, and the command has.
            assert_eq!(saved(&place), files);
            assert_eq!(price_requests(&server), 1);
            let listed = place.listed(&[]).await;
            assert_eq!(listed.len(), predictions);
            assert!(
                listed.iter().all(|it| it["price_usd"].is_null()),
                "{listed:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_limit_needs_a_price_and_a_list_without_one_needs_an_assumed_price() {
    // A batch whose rows do not fit is one that is not finished.
    let refusals = [2, 4];
    for ((command, predictions), too_expensive) in COMMANDS.into_iter().zip(refusals) {
        for list in lists() {
            let (place, name, has_price) = (Place::new(), list.name, list.has_price);
            let server = list.server().await;
            let limited = |max, more: &[&str]| {
                let more: Vec<_> = ["--max-cost", max].iter().chain(more).copied().collect();
                command(&place, &server, &more)
            };
            if has_price {
                let ended = limited("0.0029", &[]).ends(too_expensive).await;
                ended.says(&["$0.0029"]);
            } else {
                let ended = limited("1", &[]).ends(2).await;
                ended.says(&["price", "--assume-price USD"]);
                let assumed = ["--assume-price", "1.01"];
                limited("1", &assumed).ends(too_expensive).await;
            }
            assert_eq!(server.create_requests(), 0, "{name}");
            // A price in the list counts more than the assumed one.
            limited("1", &["--assume-price", "0.5"]).ends(0).await;
            assert_eq!(server.create_requests(), predictions, "{name}");
            let cost = if has_price { "0.003" } else { "0.5" };
            for entry in place.listed(&[]).await {
                assert_eq!(entry["price_usd"], cost, "{name}: {entry}");
            }
        }
    }
}

#[tokio::test]
async fn a_limit_without_a_list_says_why_there_is_none() {
    let server = server().await;
    let blocked = Fault::FirewallPage.always();
    server.on_account(AccountEndpoint::Models, blocked);
    for (command, _) in COMMANDS {
        let place = Place::new();
        let limit = ["--max-cost", "1"];
        let ended = command(&place, &server, &limit).ends(2).await;
        ended.says(&["note: there is no price list: 403 before "]);
        // The mock of the tests is not known to have an account.
        let call = command(&place, &server, &limit).env("COMETAPI_ACCOUNT_URL", "");
        let ended = call.ends(2).await;
        ended.says(&[
            "note: there is no price list: the service is not CometAPI; ",
            "set COMETAPI_ACCOUNT_URL",
        ]);
    }
    assert_eq!(server.create_requests(), 0);
}

#[tokio::test]
async fn nothing_is_sent_within_a_limit_before_the_list_is_there() {
    for (command, predictions) in COMMANDS {
        let place = Place::new();
        let server = server().await;
        let hold = Hold::new();
        server.on_account(AccountEndpoint::Models, Fault::Hold(hold.clone()));
        let running = command(&place, &server, &["--max-cost", "1"]).start();
        requested(&server, 1).await;
        assert_eq!((price_requests(&server), server.create_requests()), (1, 0));
        hold.release();
        running.ends(0).await;
        assert_eq!(server.create_requests(), predictions);
    }
}

#[tokio::test]
async fn a_list_is_asked_for_once_an_hour() {
    let place = Place::new();
    let server = server().await;
    prices(&place, &server, &[]).ends(0).await;
    prices(&place, &server, &["--json"]).ends(0).await;
    run(&place, &server, &["--max-cost", "1"]).ends(0).await;
    batch(&place, &server, &["--max-cost", "1"]).ends(0).await;
    batch(&place, &server, &["--dry-run"]).ends(0).await;
    assert_eq!(price_requests(&server), 1);

    let file = place.path(".cache/paperboat/prices.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut saved: Value = serde_json::from_str(&text).unwrap();
    let at = saved["fetched_at"].as_u64().unwrap();
    saved["fetched_at"] = json!(at - 3600);
    std::fs::write(&file, saved.to_string()).unwrap();
    prices(&place, &server, &[]).ends(0).await;
    assert_eq!(price_requests(&server), 2);
    std::fs::write(&file, "{").unwrap();
    prices(&place, &server, &[]).ends(0).await;
    assert_eq!(price_requests(&server), 3);
}

#[tokio::test]
async fn the_list_of_another_service_is_not_used() {
    let place = Place::new();
    let one = server().await;
    let other = quick().price(SCHNELL, "0.5").start().await.unwrap();
    for (server, requests, price) in [(&one, 1, "0.003"), (&other, 1, "0.5"), (&one, 2, "0.003")] {
        let ended = prices(&place, server, &[SCHNELL, "--json"]).ends(0).await;
        assert_eq!(ended.json()["list_usd"], price);
        assert_eq!(price_requests(server), requests);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_list_that_cannot_be_kept_is_used() {
    let place = Place::new();
    let server = server().await;
    place.write(".cache", "a file where a folder should be");
    run(&place, &server, &["--max-cost", "1"]).ends(0).await;
    prices(&place, &server, &[]).ends(0).await;
    assert_eq!(price_requests(&server), 2);
}

/// A list without rows is more likely a fault than the truth.
#[tokio::test]
async fn a_list_without_models_is_not_kept() {
    for models in [json!([]), json!([null, {}])] {
        let place = Place::new();
        let server = quick().models_body(data(&models)).start().await.unwrap();
        prices(&place, &server, &[]).ends(0).await;
        prices(&place, &server, &[]).ends(0).await;
        assert_eq!(price_requests(&server), 2);
    }
}

/// What a command printed and how it ended, with what differs from run to run replaced.
fn shown(ended: &Ended, server: &MockServer) -> String {
    let mut text = format!("exit {}\n{}", ended.code.unwrap(), ended.stdout);
    for line in ended.stderr.lines() {
        writeln!(text, "! {line}").unwrap();
    }
    let host = server.origin().trim_start_matches("http://");
    let text = text.replace(host, "HOST");
    without_age(&text)
}

/// A list's age is in seconds, of which a busy machine may have some.
fn without_age(text: &str) -> String {
    let mut shown = String::new();
    for line in text.lines() {
        let begins = ["list is ", "\"age_seconds\":"];
        let line = &sorted(line);
        let age = begins.iter().find_map(|begins| {
            let (before, after) = line.split_once(begins)?;
            Some((
                before,
                begins,
                after.trim_start_matches(|c: char| c.is_ascii_digit()),
            ))
        });
        match age {
            Some((before, begins, after)) => writeln!(shown, "{before}{begins}N{after}"),
            None => writeln!(shown, "{line}"),
        }
        .unwrap();
    }
    shown
}

/// A line with the keys of its JSON in one order: which one they have depends on what is built beside.
fn sorted(line: &str) -> String {
    let (before, json) = line.split_at(line.find('{').unwrap_or(line.len()));
    match serde_json::from_str::<Value>(json) {
        Ok(mut json) => {
            json.sort_all_objects();
            format!("{before}{json}")
        }
        Err(_) => line.to_owned(),
    }
}

#[tokio::test]
async fn prices_shows_what_there_is_and_says_what_there_is_not() {
    let mut text = String::new();
    for list in lists() {
        let (place, name) = (Place::new(), list.name);
        let server = list.server().await;
        for more in [&[][..], &[SCHNELL, "--json"]] {
            let ended = prices(&place, &server, more).ends_somehow().await;
            let args = more.join(" ");
            writeln!(text, "== {name}: prices {args}").unwrap();
            text += &shown(&ended, &server);
        }
    }
    assert_snapshot!("of_each_list", text);
}

#[tokio::test]
async fn prices_needs_no_key_and_knows_every_model() {
    let place = Place::new();
    let server = server().await;
    let call = place.paperboat(["prices"]);
    let call = call.env("COMETAPI_ACCOUNT_URL", server.origin());
    assert_snapshot!("of_all_models", shown(&call.ends(0).await, &server));
    let ended = place
        .paperboat(["prices"])
        .env("COMETAPI_BASE_URL", server.origin());
    ended.ends(2).await.says(&["set COMETAPI_ACCOUNT_URL"]);
}

#[tokio::test]
async fn a_dry_run_shows_what_it_would_cost_beside_the_balance() {
    let mut text = String::new();
    let discounted = || quick().price(SCHNELL, ("0.24", "0.8")).balance("12.50");
    let unlisted = || quick().unlisted(SCHNELL).balance("12.50");
    for (name, builder, more) in [
        ("a discount", discounted(), &[][..]),
        ("no price", unlisted(), &[]),
        ("an assumed price", unlisted(), &["--assume-price", "0.01"]),
    ] {
        let server = builder.start().await.unwrap();
        for (command, what) in [(run as Command, "run"), (batch, "batch")] {
            for json in [&[][..], &["--json"]] {
                let place = Place::new();
                let args: Vec<_> = ["--dry-run"]
                    .iter()
                    .chain(more)
                    .chain(json)
                    .copied()
                    .collect();
                let ended = command(&place, &server, &args).ends(0).await;
                writeln!(text, "== {name}: {what} {}", args.join(" ")).unwrap();
                text += &shown(&ended, &server);
            }
        }
        assert_eq!(server.create_requests(), 0);
    }
    assert_snapshot!("dry_runs", text);
}

/// A key has a limit, and an account a balance: the token says what is left of that.
#[tokio::test]
async fn a_dry_run_with_an_access_token_shows_the_balance_of_the_account() {
    let server = quick()
        .access_token(TOKEN)
        .balance("7.25")
        .start()
        .await
        .unwrap();
    // What the key shows is not asked for.
    for endpoint in [AccountEndpoint::Subscription, AccountEndpoint::Usage] {
        server.on_account(endpoint, Fault::FirewallPage.always());
    }
    for (command, _) in COMMANDS {
        let place = Place::new();
        let call = command(&place, &server, &["--dry-run", "--json"]);
        let ended = call.env("COMETAPI_ACCESS_TOKEN", TOKEN).ends(0).await;
        assert_eq!(ended.json()["balance_usd"], "7.25");
    }
}

#[tokio::test]
async fn a_dry_run_shows_what_it_can_where_the_account_fails() {
    let server = server().await;
    for endpoint in AccountEndpoint::ALL {
        server.on_account(endpoint, Fault::FirewallPage.always());
    }
    for (command, _) in COMMANDS {
        let place = Place::new();
        let ended = command(&place, &server, &["--dry-run"]).ends(0).await;
        assert!(ended.stdout.contains(" unknown: 403"), "{}", ended.stdout);
        let ended = command(&place, &server, &["--dry-run", "--json"])
            .ends(0)
            .await;
        assert_eq!(ended.json()["balance_usd"], json!(null));
    }
}

#[tokio::test]
async fn the_end_of_a_batch_and_a_list_show_what_it_cost() {
    let place = Place::new();
    let server = quick().access_token(TOKEN).price(SCHNELL, ("0.24", "0.8"));
    let server = server.start().await.unwrap();
    // One of them is refunded.
    server.on_end(Ending::nsfw());
    let limited = ["--max-cost", "1"];
    let ended = batch(&place, &server, &limited).ends(3).await;
    let one = format!("{SCHNELL}: $0.24 expected for 1 prediction\n");
    ended.says(&[&one]);
    let listed = place.paperboat(["list"]).ends(0).await;
    listed.says(&[&one]);
    assert!(listed.stdout.contains(" $0.24 "), "{}", listed.stdout);

    // What is charged is what the service says, which is asked for once there is a token.
    let call = batch(&place, &server, &limited);
    let ended = call.env("COMETAPI_ACCESS_TOKEN", TOKEN).ends(3).await;
    let one = format!("{SCHNELL}: $0.192 charged for 1 prediction\n");
    ended.says(&[&one]);
    place.paperboat(["list"]).ends(0).await.says(&[&one]);
    let mut costs: Vec<_> = place.listed(&[]).await;
    costs.sort_by_key(|entry| entry["charge_usd"].to_string());
    let costs = costs
        .iter()
        .map(|it| (&it["price_usd"], &it["charge_usd"], &it["cost_usd"]));
    let costs: Vec<_> = costs.collect();
    let (price, zero, charge) = (json!("0.24"), json!("0"), json!("0.192"));
    assert_eq!(costs, [(&price, &zero, &zero), (&price, &charge, &charge)]);
    assert_eq!(server.charged(), 96_000);
    assert!(server.account_requests(AccountEndpoint::Tasks) > 0);
}

#[tokio::test]
async fn charges_that_cannot_be_read_do_not_fail_a_batch() {
    let place = Place::new();
    let server = server().await;
    for fault in [Fault::FirewallPage, Fault::IndexPage, Fault::Close] {
        server.on_account(AccountEndpoint::Tasks, fault);
        let call = batch(&place, &server, &["--max-cost", "1"]);
        let ended = call.env("COMETAPI_ACCESS_TOKEN", TOKEN).ends(0).await;
        ended.says(&["$0.006 expected for 2 predictions"]);
    }
    assert_eq!(server.account_requests(AccountEndpoint::Tasks), 3);
}

/// All rows are done, so the command succeeds.
#[cfg(unix)]
#[tokio::test]
async fn charges_that_never_come_are_given_up_by_ctrl_c() {
    let place = Place::new();
    let server = server().await;
    server.on_account(AccountEndpoint::Tasks, Fault::Hang);
    let call = batch(&place, &server, &["--max-cost", "1"]);
    let running = call.env("COMETAPI_ACCESS_TOKEN", TOKEN).start();
    for requests in 1.. {
        requested(&server, requests).await;
        if server.account_requests(AccountEndpoint::Tasks) == 1 {
            break;
        }
    }
    running.interrupt().await;
    let ended = running.ends(0).await;
    ended.says(&["2 succeeded", "$0.006 expected for 2 predictions"]);
}
