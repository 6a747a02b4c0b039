//! What it says of itself. A changed help is a changed interface: look at the diff, then
//! accept it with `INSTA_UPDATE=always`.

use insta::assert_snapshot;

use crate::place::Place;

async fn help(args: &[&str]) -> String {
    let ended = Place::new().paperboat(args).ends(0).await;
    assert_eq!(ended.stderr, "");
    ended.stdout
}

#[tokio::test]
async fn each_command_explains_itself() {
    assert_snapshot!("paperboat", help(&["--help"]).await);
    assert_snapshot!("run", help(&["run", "--help"]).await);
    assert_snapshot!("again", help(&["again", "--help"]).await);
    assert_snapshot!("create", help(&["create", "--help"]).await);
    assert_snapshot!("get", help(&["get", "--help"]).await);
    assert_snapshot!("wait", help(&["wait", "--help"]).await);
    assert_snapshot!("batch", help(&["batch", "--help"]).await);
    assert_snapshot!("list", help(&["list", "--help"]).await);
    assert_snapshot!("gallery", help(&["gallery", "--help"]).await);
    assert_snapshot!("open", help(&["open", "--help"]).await);
    assert_snapshot!("demo", help(&["demo", "--help"]).await);
    assert_snapshot!("show", help(&["show", "--help"]).await);
    assert_snapshot!("prune", help(&["prune", "--help"]).await);
    assert_snapshot!("prices", help(&["prices", "--help"]).await);
    assert_snapshot!("resolve", help(&["resolve", "--help"]).await);
    assert_snapshot!("models", help(&["models", "--help"]).await);
    assert_snapshot!("schema", help(&["schema", "--help"]).await);
    assert_snapshot!("help", help(&["help", "--help"]).await);
    assert_snapshot!("completions", help(&["completions", "--help"]).await);
    assert_snapshot!("man", help(&["man", "--help"]).await);
    assert_snapshot!("login", help(&["login", "--help"]).await);
    assert_snapshot!("logout", help(&["logout", "--help"]).await);
    assert_snapshot!("doctor", help(&["doctor", "--help"]).await);
    assert_snapshot!("mock", help(&["mock", "--help"]).await);
}

#[tokio::test]
async fn a_model_brings_its_fields_into_the_help() {
    let schnell = ["run", "--mock", crate::SCHNELL, "--help"];
    assert_snapshot!("run_schnell", help(&schnell).await);
    let kontext = "black-forest-labs/flux-kontext-pro";
    let kontext = help(&["create", "-h", kontext]).await;
    assert!(kontext.contains("Input of black-forest-labs/flux-kontext-pro:"));
    let pro = help(&["create", "black-forest-labs/flux-pro", "--help"]).await;
    assert_snapshot!("create_pro", pro);
    assert_eq!(
        help(&["run", "acme/portrait", "-h"]).await,
        help(&["run", "-h"]).await
    );
}

/// The names of the commands, as a shell completes them.
async fn commands() -> Vec<String> {
    let place = Place::new();
    let words = ["complete", "--word=", "--", "paperboat"];
    let ended = place.paperboat(words).ends(0).await;
    let names = ended
        .lines()
        .into_iter()
        .filter_map(|line| line.split('\t').next());
    names.map(str::to_owned).collect()
}

/// The short help of every command, one below the other.
#[tokio::test]
async fn short_help_fits_on_a_screen() {
    let mut shown = vec![help(&["-h"]).await];
    for command in commands().await {
        shown.push(help(&[&command, "-h"]).await);
    }
    for name in ["flux-schnell", "flux-pro", "flux-kontext-pro"] {
        shown.push(help(&["run", name, "-h"]).await);
    }
    assert!(shown.len() > 20);
    for help in &shown {
        assert!(help.lines().count() <= 24, "{help}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 80),
            "{help}"
        );
    }
    assert_snapshot!("short", shown.join(&format!("{}\n", "-".repeat(80))));
}

#[tokio::test]
async fn help_of_a_command_is_its_long_help() {
    assert_eq!(help(&["help"]).await, help(&["--help"]).await);
    for command in commands().await {
        let long = help(&[&command, "--help"]).await;
        assert_eq!(help(&["help", &command]).await, long);
        assert_ne!(help(&[&command, "-h"]).await, long);
    }
    assert_eq!(
        help(&["help", "run", "flux-schnell"]).await,
        help(&["run", "flux-schnell", "--help"]).await
    );
}

#[tokio::test]
async fn topics_are_listed_completed_and_shown() {
    let listed = help(&["help"]).await;
    let (_, listed) = listed.split_once("\nTopics:\n").unwrap();
    let names: Vec<_> = listed
        .lines()
        .filter_map(|it| it.split_whitespace().next())
        .collect();
    assert_eq!(names, ["exit-codes", "environment", "files", "input"]);
    let place = Place::new();
    let mut topics = Vec::new();
    for name in names {
        let word = format!("--word={name}");
        let complete = ["complete", &word, "--", "paperboat", "help"];
        let ended = place.paperboat(complete).ends(0).await;
        assert!(
            ended.stdout.starts_with(&format!("{name}\t")),
            "{}",
            ended.stdout
        );
        topics.push(help(&["help", name]).await);
    }
    assert_snapshot!("topics", topics.join(&format!("{}\n", "-".repeat(80))));
    let ended = place.paperboat(["help", "exit-code"]).ends(2).await;
    assert_eq!(
        ended.stderr,
        "error: \"exit-code\" is neither a command nor a topic\n  did you mean exit-codes?\n  \
         both are listed by: paperboat help\n"
    );
}

/// A width that is set is used up to a limit, and without one lines have 80 columns.
#[tokio::test]
async fn the_width_of_the_terminal_is_used() {
    let place = Place::new();
    let mut widths = Vec::new();
    for columns in ["60", "80", "100", "200"] {
        let call = place.paperboat(["batch", "--help"]).env("COLUMNS", columns);
        let ended = call.ends(0).await;
        let lines = ended
            .stdout
            .lines()
            .filter(|line| !line.starts_with("Usage: "));
        widths.push(lines.map(|line| line.chars().count()).max().unwrap());
        if columns == "80" {
            assert_eq!(ended.stdout, help(&["batch", "--help"]).await);
        }
    }
    assert!(
        widths[0] <= 60 && (70..=80).contains(&widths[1]),
        "{widths:?}"
    );
    assert!((90..=100).contains(&widths[2]), "{widths:?}");
    assert_eq!(widths[2], widths[3]);
}

#[tokio::test]
async fn the_version_is_the_packages() {
    let version = concat!("paperboat ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(help(&["--version"]).await, version);
    assert_eq!(help(&["-V"]).await, version);
}

#[tokio::test]
async fn without_arguments_the_help_is_on_stderr() {
    let ended = Place::new().paperboat([""; 0]).ends(2).await;
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, help(&["-h"]).await);
}

/// The size of a terminal wins over a width that is set, wherever the terminal is: a pager reads stdout.
#[cfg(unix)]
#[tokio::test]
async fn the_width_is_that_of_the_terminal() {
    use crate::pseudo_terminal::PseudoTerminal;

    let place = Place::new();
    for columns in [60_u16, 90] {
        let terminal = PseudoTerminal::open();
        terminal.resize(columns);
        let call = place.paperboat(["batch", "--help"]).env("COLUMNS", "100");
        let ended = call.terminal(&terminal.command).ends(0).await;
        let lines = ended
            .stdout
            .lines()
            .filter(|line| !line.starts_with("Usage: "));
        let widest = lines.map(|line| line.chars().count()).max().unwrap();
        let columns = usize::from(columns);
        assert!(
            (columns - 5..=columns).contains(&widest),
            "{columns}: {widest}"
        );
    }
}

/// What the help of a batch shows of rows can be taken as it stands.
#[tokio::test]
async fn the_rows_in_the_help_of_a_batch_run() {
    let text = help(&["batch", "--help"]).await;
    let row = |before: &str, after: &str| {
        let (_, row) = text.split_once(before).unwrap();
        row.split_once(after).unwrap().0.to_owned()
    };
    let place = Place::new();
    let server = crate::server().await;
    let nested = row("JSONL  ", "\n").replace("OWNER/NAME", "acme/fox");
    let flat = row("or flat: ", ", with --model");
    place.write("rows.jsonl", format!("{nested}\n{flat}\n"));
    let args = ["batch", "rows.jsonl", "--model", "acme/fox", "-o", "out"];
    place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn the_times_in_the_help_of_a_list_are_times() {
    let text = help(&["list", "--help"]).await;
    let (_, times) = text.split_once("since TIME: ").unwrap();
    let times = times.lines().next().unwrap().replace("or ", "");
    let times: Vec<_> = times.split(", ").collect();
    assert_eq!(times.len(), 3);
    for time in times {
        Place::new()
            .paperboat(["list", "--since", time])
            .ends(0)
            .await;
    }
}
