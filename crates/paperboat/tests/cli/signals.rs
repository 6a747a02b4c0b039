//! What a service manager, a container, a CI job or a closed terminal does to a command: it
//! ends soon, with the code of the signal, and leaves nothing in doubt that it can wait for.

use std::fs::File;

use cometapi_mock::{Fault, Hold, MockServer, Plan};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::place::{Call, Place, Running, files_requested, requested};
use crate::{FOX, created, fox, server};

const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

#[tokio::test]
async fn a_signal_ends_every_wait_with_its_code_and_the_way_to_continue() {
    for (signal, code) in SIGNALS {
        let place = Place::new();
        let server = server().await;
        let one = &created(&place, &server).await;
        let other = &created(&place, &server).await;
        server.on_poll(Fault::Hang.always());
        let way = &*format!("paperboat wait {one}");
        for (args, says) in [
            (&["wait", one][..], way),
            (
                &["wait", one, other],
                "to continue, run the same command again",
            ),
            (
                &["wait", "--all"],
                "to continue, run the same command again",
            ),
        ] {
            let seen = server.requests().len() as u64;
            let run = place.paperboat(args).at(server.origin()).start();
            requested(&server, seen + 1).await;
            run.signal(signal).await;
            let ended = run.ends(code).await;
            ended.says(&["stopped", says]);
            assert_eq!(ended.stdout, "");
        }
        let mut run = fox(&place, "run", &[]).at(server.origin()).start();
        let line = run.says("created ").await;
        let id = line.strip_prefix("created ").unwrap();
        run.signal(signal).await;
        run.ends(code)
            .await
            .says(&[&format!("paperboat wait {id}")]);
        assert_eq!(place.listed(&["--running"]).await.len(), 3);
    }
}

#[tokio::test]
async fn a_signal_during_a_create_request_waits_for_its_response() {
    for (signal, code) in SIGNALS {
        for command in ["run", "create"] {
            let place = Place::new();
            let server = server().await;
            let hold = Hold::new();
            server.on_create(Fault::Hold(hold.clone()));
            let mut run = fox(&place, command, &[]).at(server.origin()).start();
            requested(&server, 1).await;
            run.signal(signal).await;
            run.says("waiting for the response to the create request")
                .await;
            if signal == "HUP" {
                // The shell passes on what the kernel has sent already.
                run.signal(signal).await;
            }
            hold.release();
            let ended = run.ends(code).await;
            let id = &server.predictions()[0].id;
            assert_eq!(ended.id(), id);
            ended.says(&["stopped waiting", &format!("paperboat wait {id}")]);
            let lines: &[&str] = if command == "create" { &[id] } else { &[] };
            assert_eq!(ended.lines(), lines);
            assert_eq!(place.listed(&["--running"]).await[0]["id"], **id);
            // Not a single poll.
            assert_eq!(server.requests().len(), 1);
        }
    }
}

/// As long as Docker allows, and no longer.
#[tokio::test]
async fn a_response_that_does_not_come_in_time_is_a_doubt() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::Hang.after_accept());
    let run = fox(&place, "create", &[]).at(server.origin()).start();
    requested(&server, 1).await;
    run.signal("TERM").await;
    let ended = run.ends(7).await;
    ended.says(&["waiting for the response", "may have been accepted"]);
    assert_eq!(place.listed(&["--unresolved"]).await.len(), 1);
}

/// A refusal that comes while the command waits to end proves that nothing was created.
#[tokio::test]
async fn a_429_during_the_wait_for_a_response_is_no_doubt() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let mut run = fox(&place, "run", &[]).at(&origin).start();
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"}}") {
        connection.read_buf(&mut request).await.unwrap();
    }
    run.signal("TERM").await;
    run.says("waiting for the response").await;
    let refusal = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
    connection.write_all(refusal.as_bytes()).await.unwrap();
    run.ends(143).await.says(&["nothing was created"]);
    assert!(place.listed(&["--unresolved"]).await.is_empty());
}

/// SIGHUP under `nohup`, SIGINT in the background of a script.
#[tokio::test]
async fn a_signal_that_is_ignored_stays_ignored() {
    for name in ["HUP", "INT", "TERM"] {
        let place = Place::new();
        let server = server().await;
        server.on_poll(Fault::BadGatewayPage.always());
        let args = ["run"].iter().chain(&FOX).chain(&["-o", "out"]);
        let mut run = place.ignoring(name, args).at(server.origin()).start();
        run.says("created ").await;
        run.signal(name).await;
        requested(&server, server.requests().len() as u64 + 2).await;
        server.clear_plans();
        run.ends(0).await;
        assert_eq!(place.names("out").len(), 1);
    }
}

#[tokio::test]
async fn the_mock_ends_by_each_signal() {
    let place = Place::new();
    for (signal, code) in [("INT", 0), ("TERM", 143), ("HUP", 129)] {
        let mut mock = place.paperboat(["mock", "--port", "0"]).start();
        mock.first_line().await;
        mock.signal(signal).await;
        mock.ends(code).await;
    }
}

/// Killed while nothing was in flight, there is nothing to look up and nothing to pay twice.
#[tokio::test]
async fn killed_in_the_pause_after_a_429_it_was_not_created() {
    for command in ["run", "create", "batch"] {
        let place = Place::new();
        let server = server().await;
        server.on_create(Fault::ThrottledSeconds(50).always());
        let mut run = start(&place, command).at(server.origin()).start();
        let pause = match command {
            "batch" => "creating again in 5",
            _ => "retrying in 5",
        };
        run.says(pause).await;
        run.kill().await;
        assert!(place.listed(&["--unresolved"]).await.is_empty());
        let listed = place.listed(&[]).await;
        // Nobody but the batch could take it up.
        let (state, outcome) = match command {
            "batch" => (json!("planned"), json!(null)),
            _ => (json!("ended"), json!("never_reached")),
        };
        assert_eq!(
            (&listed[0]["state"], &listed[0]["outcome"]),
            (&state, &outcome)
        );
        assert_eq!(listed[0]["id"], Value::Null);
    }
}

/// The record says so before the second attempt leaves.
#[tokio::test]
async fn killed_during_a_second_attempt_it_is_unresolved() {
    for command in ["run", "create", "batch"] {
        let place = Place::new();
        let server = server().await;
        server.on_create(Fault::ThrottledSeconds(0));
        server.on_create(Fault::Hang.after_accept());
        let run = start(&place, command).at(server.origin()).start();
        requested(&server, 2).await;
        run.kill().await;
        assert_eq!(place.listed(&["--unresolved"]).await.len(), 1, "{command}");
    }
}

#[tokio::test]
async fn what_a_killed_process_left_of_a_download_is_removed_by_the_next() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    server.on_file(Fault::StallBody);
    let args = ["wait", id, "-o", "out"];
    let run = place.paperboat(args).at(server.origin()).start();
    while parts(&place).is_empty() {
        files_requested(&server, 1).await;
        tokio::task::yield_now().await;
    }
    let left = parts(&place);
    run.kill().await;
    assert_eq!(parts(&place), left);

    for command in ["run", "wait", "batch"] {
        let abandoned = "out/.fox-0.0123456789abcdef.part";
        place.write(abandoned, "half");
        place.write("out/.fox-1.0123456789abcdef.part", "half");
        let in_use = File::open(place.path("out/.fox-1.0123456789abcdef.part")).unwrap();
        in_use.lock().unwrap();
        place.write("out/.download.part", "a stranger's");
        let call = match command {
            "wait" => place.paperboat(args),
            _ => start(&place, command),
        };
        call.at(server.origin()).ends(0).await;
        assert_eq!(
            parts(&place),
            [".download.part", ".fox-1.0123456789abcdef.part"],
            "{command}"
        );
    }
}

/// The parts of downloads in the folder of the output.
fn parts(place: &Place) -> Vec<String> {
    if !place.path("out").exists() {
        return Vec::new();
    }
    let mut names = place.names("out");
    names.retain(|name| name.starts_with('.'));
    names
}

/// A fox into `out`, by `run`, `create` or `batch`.
fn start<'p>(place: &'p Place, command: &str) -> Call<'p> {
    match command {
        "create" => fox(place, command, &[]),
        "run" => fox(place, command, &["-o", "out"]),
        _ => {
            let row = r#"{"prompt": "a red fox", "megapixels": "0.25"}"#;
            place.write("rows.jsonl", row);
            place.paperboat(["batch", "rows.jsonl", "--model", FOX[0], "-o", "out"])
        }
    }
}

mod batch {
    use super::*;

    const ROWS: &str = "{\"id\": \"a\", \"prompt\": \"a\", \"megapixels\": \"0.25\"}
{\"id\": \"b\", \"prompt\": \"b\", \"megapixels\": \"0.25\"}
{\"id\": \"c\", \"prompt\": \"c\", \"megapixels\": \"0.25\"}
";

    fn call(place: &Place) -> Call<'_> {
        place.write("rows.jsonl", ROWS);
        let args = ["batch", "rows.jsonl", "--model", FOX[0], "-o", "out"];
        place.paperboat(args.iter().chain(&["--jobs", "2"]))
    }

    /// Two of three rows with their create requests in flight.
    async fn in_flight<'p>(
        place: &'p Place,
        server: &MockServer,
        fault: Plan<Fault>,
    ) -> Running<'p> {
        server.on_create(fault.times(2));
        let run = call(place).at(server.origin()).start();
        requested(server, 2).await;
        run
    }

    #[tokio::test]
    async fn it_waits_for_the_responses_in_flight_and_leaves_the_rest_to_the_next() {
        for (signal, name, code) in [("TERM", "SIGTERM", 143), ("HUP", "SIGHUP", 129)] {
            let place = Place::new();
            let server = server().await;
            let hold = Hold::new();
            let mut run = in_flight(&place, &server, Plan::of(Fault::Hold(hold.clone()))).await;
            run.signal(signal).await;
            run.says("waiting up to 8 s for responses to create requests")
                .await;
            hold.release();
            let ended = run.ends(code).await;
            ended.says(&[
                "3 rows: 0 succeeded, 2 still running, 1 not created; 2 created in ",
                &format!("stopped early by {name}"),
                "to continue, run the same command again",
            ]);
            assert_eq!(ended.stdout, "");
            // Neither a third create request nor a poll.
            assert_eq!(server.requests().len(), 2);
            call(&place).at(server.origin()).ends(0).await;
            assert_eq!(server.create_requests(), 3);
            assert_eq!(server.predictions().len(), 3);
        }
    }

    #[tokio::test]
    async fn it_leaves_running_rows_at_once() {
        for (signal, code) in [("TERM", 143), ("HUP", 129)] {
            let place = Place::new();
            let server = server().await;
            server.on_poll(Fault::Hang.always());
            let run = call(&place).at(server.origin()).start();
            requested(&server, 4).await;
            run.signal(signal).await;
            run.ends(code).await.says(&["2 still running"]);
            assert_eq!(place.listed(&["--running"]).await.len(), 2);
        }
    }

    #[tokio::test]
    async fn a_second_signal_ends_it_at_once() {
        for second in ["TERM", "INT"] {
            let place = Place::new();
            let server = server().await;
            let mut run = in_flight(&place, &server, Fault::Hang.after_accept()).await;
            run.signal("TERM").await;
            run.says("waiting up to 8 s").await;
            run.signal(second).await;
            let ended = run.ends(7).await;
            ended.says(&["leaving; what was created is in the ledger", "2 unresolved"]);
            assert_eq!(place.listed(&["--unresolved"]).await.len(), 2);
        }
    }

    /// The user asked it to finish what runs; the system cannot wait for that.
    #[tokio::test]
    async fn sigterm_after_ctrl_c_still_waits_for_the_responses_in_flight() {
        let place = Place::new();
        let server = server().await;
        let hold = Hold::new();
        let mut run = in_flight(&place, &server, Plan::of(Fault::Hold(hold.clone()))).await;
        run.interrupt().await;
        run.says("waiting for what runs").await;
        run.signal("TERM").await;
        run.says("waiting up to 8 s").await;
        server.on_poll(Fault::Hang.always());
        hold.release();
        run.ends(130).await.says(&["2 still running"]);
        assert!(place.listed(&["--unresolved"]).await.is_empty());
    }
}
