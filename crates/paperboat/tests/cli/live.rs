//! The live line, in a terminal: what people see while they wait, and that nothing of it is left behind.

use cometapi_mock::{Fault, MockServer, Plan};

use crate::place::{Call, Place, requested};
use crate::pseudo_terminal::{PseudoTerminal, Recording, screen};
use crate::{created, fox, server};

const COLUMNS: u16 = 200;

/// The frames of the spinner.
const FRAMES: &str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/// A terminal and what it shows.
fn terminal() -> (PseudoTerminal, Recording) {
    let terminal = PseudoTerminal::open();
    terminal.resize(COLUMNS);
    let recording = terminal.record();
    (terminal, recording)
}

/// A command whose output and messages go to the terminal.
fn on<'p>(terminal: &PseudoTerminal, call: Call<'p>) -> Call<'p> {
    call.env("TERM", "xterm-256color")
        .stdout(terminal.command.try_clone().unwrap())
        .stderr(terminal.command.try_clone().unwrap())
}

fn wait<'p>(place: &'p Place, server: &MockServer, ids: &[&str]) -> Call<'p> {
    let args = ["wait", "-o", "out"];
    place.paperboat(args.iter().chain(ids)).at(server.origin())
}

/// What is on the screen in the end: no live line, and times and sizes as `N`.
#[track_caller]
fn left(shown: &str) -> Vec<String> {
    let lines = screen(shown, COLUMNS.into());
    let frame = |line: &&String| line.chars().any(|c| FRAMES.contains(c));
    assert_eq!(lines.iter().find(frame), None, "{shown:?}");
    assert!(
        shown.ends_with('\n') || shown.ends_with("\u{1b}[K"),
        "{shown:?}"
    );
    lines
}

/// A time in it as `N`.
fn without_times(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let is_number = word.trim_matches(['(', ',']).parse::<f64>().is_ok();
        if is_number { "N" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_run_leaves_what_it_created_and_saved() {
    let place = Place::new();
    let server = server().await;
    let (terminal, recording) = terminal();
    let run = fox(&place, "run", &["-o", "out", "seed=42"]).at(server.origin());
    on(&terminal, run).ends(0).await;
    let shown = recording.end(terminal);
    assert!(shown.contains("⠋ creating 0.0 s"), "{shown:?}");
    let id = &server.predictions()[0].id;
    let lines: Vec<_> = left(&shown).iter().map(|it| without_times(it)).collect();
    let path = format!("out/{id}.webp");
    let saved = format!("saved {path} N kB) in N s, seed N");
    assert_eq!(lines, [format!("created {id}"), path, saved]);

    // Now it is known how long it takes.
    let (terminal, recording) = self::terminal();
    let run = fox(&place, "run", &["-o", "out"]).at(server.origin());
    on(&terminal, run).ends(0).await;
    let shown = recording.end(terminal);
    assert!(shown.contains(" s (usually "), "{shown:?}");
}

#[tokio::test]
async fn a_signal_takes_the_line_away() {
    let place = Place::new();
    let server = server().await;
    let id = created(&place, &server).await;
    server.on_poll(Fault::Hang.always());
    for (signals, code) in [(&["INT"][..], 130), (&["TERM"], 143), (&["HUP"], 129)] {
        let (terminal, recording) = terminal();
        let run = on(&terminal, wait(&place, &server, &[&id])).start();
        recording.wait_for("waiting", 3).await;
        for signal in signals {
            run.signal(signal).await;
        }
        run.ends(code).await;
        let lines = left(&recording.end(terminal));
        assert!(
            lines[0].starts_with("error: stopped waiting for"),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 2, "{lines:?}");
    }
}

#[tokio::test]
async fn a_second_ctrl_c_takes_the_line_away() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::Hang);
    let (terminal, recording) = terminal();
    let run = on(&terminal, fox(&place, "run", &[]).at(server.origin())).start();
    requested(&server, 1).await;
    run.interrupt().await;
    recording.wait_for("press again to stop now", 1).await;
    run.interrupt().await;
    run.ends(7).await;
    let lines = left(&recording.end(terminal));
    assert!(
        lines[0].starts_with("waiting for the response"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("error: stopped while a create"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn several_predictions_share_one_line() {
    let place = Place::new();
    let server = server().await;
    let one = created(&place, &server).await;
    let other = created(&place, &server).await;
    server.on_poll(Plan::of(Fault::Hang).id(&other).always());
    let (terminal, recording) = terminal();
    let run = on(&terminal, wait(&place, &server, &[&one, &other])).start();
    recording.wait_for("1/2 done, 1 waiting", 1).await;
    run.interrupt().await;
    run.ends(130).await;
    let lines = left(&recording.end(terminal));
    assert_eq!(lines[0], format!("out/{one}.webp"));
    assert!(
        lines[1].starts_with(&format!("{one}: saved out/{one}.webp")),
        "{lines:?}"
    );
    assert!(
        lines[2].starts_with("error: stopped waiting for 1"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_retry_is_on_the_line_and_its_cause_is_said_once() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Plan::of(Fault::RateLimited).times(2));
    server.on_poll(Plan::of(Fault::BadGatewayPage).times(2));
    server.on_file(Plan::of(Fault::BadGatewayPage).times(1));
    let (terminal, recording) = terminal();
    let run = fox(&place, "run", &["-o", "out"]).at(server.origin());
    on(&terminal, run).ends(0).await;
    let shown = recording.end(terminal);
    for retry in ["(2 of 5)", "(3 of 5)", "(2 of 4)", "retrying in "] {
        assert!(shown.contains(retry), "{retry}: {shown:?}");
    }
    let lines = left(&shown);
    let said = lines.iter().filter(|line| line.ends_with("; retrying"));
    assert_eq!(said.count(), 3, "{lines:?}");
}

#[tokio::test]
async fn a_batch_and_a_wait_for_all_leave_no_line() {
    let place = Place::new();
    let server = server().await;
    place.write(
        "rows.jsonl",
        "{\"prompt\": \"x\", \"megapixels\": \"0.25\"}\n",
    );
    let args = [
        "batch",
        "rows.jsonl",
        "--model",
        crate::SCHNELL,
        "-o",
        "out",
    ];
    let (terminal, recording) = terminal();
    let batch = place.paperboat(args).at(server.origin());
    on(&terminal, batch).ends(0).await;
    let lines = left(&recording.end(terminal));
    assert!(
        lines[1].starts_with("1 row: 1 succeeded; 1 created in"),
        "{lines:?}"
    );

    let id = created(&place, &server).await;
    server.on_poll(Fault::Hang.always());
    let (terminal, recording) = self::terminal();
    let run = on(&terminal, wait(&place, &server, &["--all"])).start();
    recording.wait_for("0/1 done, 1 waiting", 1).await;
    run.interrupt().await;
    run.ends(130).await;
    let lines = left(&recording.end(terminal));
    assert_eq!(lines[0], "waiting for 1 prediction");
    assert_eq!(lines[1], "leaving; running predictions continue");
    assert_eq!(place.listed(&["--running"]).await[0]["id"], id.as_str());
}

/// The line that was drawn before is wrapped by the terminal.
#[tokio::test]
async fn a_narrower_terminal_gets_the_line_anew() {
    let place = Place::new();
    let server = server().await;
    let ids = [
        created(&place, &server).await,
        created(&place, &server).await,
    ];
    server.on_poll(Fault::Hang.always());
    let (terminal, recording) = terminal();
    let run = on(&terminal, wait(&place, &server, &[&ids[0], &ids[1]])).start();
    recording.wait_for("0/2 done, 2 waiting", 2).await;
    terminal.resize(12);
    recording.wait_for("\r\u{1b}[2A\u{1b}[J", 1).await;
    run.interrupt().await;
    run.ends(130).await;
    recording.end(terminal);
}

/// The system has no id for a session and a process group that are outside.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_in_a_container_has_a_line() {
    let place = Place::new();
    let server = server().await;
    let args = ["run", crate::SCHNELL, "a fox", "-o", "out"];
    let Some(run) = place.contained(args).await else {
        eprintln!("SKIPPED: this needs a PID namespace; allow unprivileged user namespaces");
        return;
    };
    let (terminal, recording) = terminal();
    on(&terminal, run.at(server.origin())).ends(0).await;
    let shown = recording.end(terminal);
    assert!(shown.contains("⠋ creating 0.0 s"), "{shown:?}");
}

/// A shell that controls jobs stops it, lets it run in the background, and brings it back.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_job_leaves_the_terminal_alone() {
    let place = Place::new();
    let server = server().await;
    let id = created(&place, &server).await;
    server.on_poll(Fault::Hang.always());
    let (mut terminal, recording) = terminal();
    let shell = place.job_shell().at(server.origin());
    let shell = on(&terminal, shell).terminal(&terminal.command).start();
    recording.wait_for("$ ", 1).await;
    terminal.types(&format!("{} wait {id}\r", env!("CARGO_BIN_EXE_paperboat")));
    recording.wait_for("waiting ", 2).await;
    terminal.types("\u{1a}");
    recording.wait_for("Stopped", 1).await;
    terminal.types("bg; echo in the background\r");
    recording.wait_for("in the background", 2).await;
    terminal.types("echo still there\r");
    recording.wait_for("still there", 2).await;
    let before = recording.shown();
    // Back in the foreground, it is drawn again.
    terminal.types("fg\r");
    recording
        .wait_for("waiting ", before.matches("waiting ").count() + 2)
        .await;
    terminal.types("\u{3}");
    recording.wait_for("error: stopped waiting", 1).await;
    terminal.types("exit\r");
    shell.ends_somehow().await;
    let shown = recording.end(terminal);
    let background = shown.split("in the background").nth(2).unwrap();
    let background = background.split("fg\r").next().unwrap();
    assert!(
        !background.contains(|c| FRAMES.contains(c)),
        "{background:?}"
    );
    let lines = screen(&shown, COLUMNS.into());
    let frame = |line: &&String| line.chars().any(|c| FRAMES.contains(c));
    assert_eq!(lines.iter().find(frame), None, "{shown:?}");
}

/// `stty tostop` has the system stop what writes from the background. Stopped, it would not poll.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_background_job_is_not_stopped_by_what_it_says() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Fault::Hang.always());
    let (mut terminal, recording) = terminal();
    let shell = place.job_shell().at(server.origin());
    let shell = on(&terminal, shell).terminal(&terminal.command).start();
    recording.wait_for("$ ", 1).await;
    let command = env!("CARGO_BIN_EXE_paperboat");
    let run = format!("{command} run {} 'a fox' megapixels=0.25", crate::SCHNELL);
    terminal.types(&format!("stty tostop; {run} &\r"));
    // The create request, and a poll after "created" was said.
    requested(&server, 2).await;
    terminal.types("jobs; echo listed\r");
    recording.wait_for("listed", 2).await;
    let shown = recording.shown();
    assert!(shown.contains("Running"), "{shown:?}");
    assert!(!shown.contains("created "), "{shown:?}");
    terminal.types("fg\r");
    recording.wait_for("created ", 1).await;
    terminal.types("\u{3}");
    recording.wait_for("error: stopped waiting", 1).await;
    terminal.types("exit\r");
    shell.ends_somehow().await;
    recording.end(terminal);
}

/// The first Ctrl-C waits for what runs, the second leaves at once; a dry run ends at the first.
#[tokio::test]
async fn a_batch_that_is_left_takes_the_line_away() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Fault::Hang.always());
    place.write(
        "rows.jsonl",
        "{\"prompt\": \"x\", \"megapixels\": \"0.25\"}\n",
    );
    let args = [
        "batch",
        "rows.jsonl",
        "--model",
        crate::SCHNELL,
        "-o",
        "out",
    ];
    let (terminal, recording) = terminal();
    let batch = place.paperboat(args).at(server.origin());
    let run = on(&terminal, batch).start();
    recording.wait_for("0/1 done, 1 running", 1).await;
    run.interrupt().await;
    recording.wait_for("ctrl-c again leaves at once", 1).await;
    run.interrupt().await;
    run.ends(130).await;
    let lines = left(&recording.end(terminal));
    assert!(lines[0].starts_with("nothing more is created"), "{lines:?}");
    let last = lines.last().unwrap();
    assert!(last.starts_with("  to continue, run"), "{lines:?}");

    let (terminal, recording) = self::terminal();
    let dry = ["batch", "-", "--dry-run", "--model", "a/b", "-o", "dry"];
    let dry = place.paperboat(dry).at(server.origin());
    let run = on(&terminal, dry.open_stdin("{\"prompt\": \"x\"}\n")).start();
    recording.wait_for("reading", 1).await;
    run.interrupt().await;
    run.ends(130).await;
    let lines = left(&recording.end(terminal));
    assert_eq!(lines, ["error: ended by ctrl-c"]);
}
