//! `paperboat demo`: a tour on a mock.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitStatus;

use cometapi_mock::MockServer;
use tokio::process::Command;

use crate::advice::shell_word;
use crate::args::Demo;
use crate::failure::Failure;
use crate::interrupt::{Signal, Signals};
use crate::style::{Paint, Tone};
use crate::{exit, gallery, print};

/// The rows of the batch.
const PROMPTS: &str = "a paper boat on a lake\na lighthouse in fog\na harbour at night\n";
const ROWS: &str = "prompts.txt";
const BATCH: &str = "boats";

/// A command of the tour, and what it shows.
struct Step {
    about: &'static str,
    words: &'static [&'static str],
}

const STEPS: &[Step] = &[
    Step {
        about: "Run a model, and save its file under a name.",
        words: &["run", "flux-schnell", "a red fox", "-o", "fox.webp"],
    },
    Step {
        about: "Run it once more, with another prompt.",
        words: &["again", "fox.webp", "a blue fox", "-o", "blue-fox.webp"],
    },
    Step {
        about: "Run a prediction for each line of a file.",
        words: &["batch", ROWS, "--model", "flux-schnell", "-o", BATCH],
    },
    Step {
        about: "The same command again creates only what is missing: nothing is paid twice.",
        words: &["batch", ROWS, "--model", "flux-schnell", "-o", BATCH],
    },
    Step {
        about: "List what is recorded.",
        words: &["list"],
    },
    Step {
        about: "Show everything that is known of a file.",
        words: &["show", "fox.webp"],
    },
];

pub(crate) async fn execute(args: Demo) -> Result<(), Failure> {
    let folder = args.output;
    begin(&folder)?;
    let mock = MockServer::start()
        .await
        .map_err(|e| Failure::other("the mock cannot be started", &e))?;
    let mut signals = Signals::listen();
    let paint = Paint::of_stdout();
    let shown = shell_word(&folder.to_string_lossy());
    say(
        paint,
        "A tour on a mock of the service: no key, no network, no cost.",
        &format!("cd {shown}"),
    )?;
    for step in STEPS {
        say(paint, step.about, &typed(step.words))?;
        run(step.words, &folder, &mock, &mut signals).await?;
    }
    let page = folder.join(BATCH).join(gallery::INDEX);
    print::stdout("")?;
    print::stdout(format_args!("The page of the batch: {}", page.display()))?;
    print::stdout(format_args!(
        "To remove all of it, delete {}.",
        folder.display()
    ))?;
    print::stdout("With a key, the same commands run on the service; to store one: paperboat login")
}

/// The command as it is typed: its words with hyphens are flags.
fn typed(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| {
        if word.starts_with('-') {
            (*word).to_owned()
        } else {
            shell_word(word)
        }
    });
    let words: Vec<_> = quoted.collect();
    format!("paperboat {}", words.join(" "))
}

/// Makes the folder, with the rows of the batch in it.
fn begin(folder: &Path) -> Result<(), Failure> {
    let created = fs::create_dir(folder).and_then(|()| fs::write(folder.join(ROWS), PROMPTS));
    created.map_err(|e| {
        let folder = folder.display();
        if e.kind() == io::ErrorKind::AlreadyExists {
            Failure::usage(format!("{folder} is there already"))
                .with_advice("delete it, or name another folder: -o DIR")
        } else {
            Failure::usage(format!("{folder} cannot be created")).caused_by(&e)
        }
    })
}

/// Prints what comes next, and the command as it is typed.
fn say(paint: Paint, about: &str, command: &str) -> Result<(), Failure> {
    print::stdout("")?;
    print::fact(&paint.tone(Tone::Dim, &format!("# {about}\n$ ")), command)
}

/// Runs a command in the folder against the mock, apart from what the person has set and stored.
async fn run(
    words: &[&str],
    folder: &Path,
    mock: &MockServer,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let program =
        std::env::current_exe().and_then(|program| Ok((program, fs::canonicalize(folder)?)));
    let (program, folder) =
        program.map_err(|e| Failure::other("the command cannot be started", &e))?;
    let mut child = Command::new(program)
        .args(words)
        .current_dir(&folder)
        .env("COMETAPI_BASE_URL", mock.origin())
        .env("COMETAPI_ACCOUNT_URL", mock.origin())
        .env("COMETAPI_KEY", "mock")
        .env_remove("COMETAPI_ACCESS_TOKEN")
        .env("PAPERBOAT_LEDGER", folder.join("ledger.sqlite3"))
        .env("XDG_CACHE_HOME", folder.join(".cache"))
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| Failure::other("the command cannot be started", &e))?;
    let ended = match signals.unless(child.wait()).await {
        Ok(ended) => ended,
        Err(signal) => {
            if signal == Signal::Interrupt {
                // The terminal sends it to both.
                let _ = child.wait().await;
            }
            return Err(Failure::ended_by(signal));
        }
    };
    check(ended.map_err(|e| Failure::other("the command cannot be waited for", &e))?)
}

fn check(status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Err(Failure::of_many(
        code.unwrap_or(exit::OTHER),
        "the tour ends here, because that command failed",
    ))
}
