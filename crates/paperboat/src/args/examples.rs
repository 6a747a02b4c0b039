//! Examples of each command, for its help and its manual page.

use std::fmt::Write as _;

/// A command line, and what it does.
pub(crate) struct Example {
    /// What follows `paperboat`.
    pub(crate) line: &'static str,
    pub(crate) about: &'static str,
}

/// The examples of a command; those of the program itself under its name.
pub(crate) fn of(command: &str) -> &'static [Example] {
    let found = EXAMPLES.iter().find(|(name, _)| *name == command);
    found.map_or(&[], |(_, examples)| examples)
}

/// The examples of a command, under a heading; empty if there are none.
pub(super) fn text(command: &str, width: usize) -> String {
    let examples = of(command);
    if examples.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = examples
        .iter()
        .map(|example| (format!("paperboat {}", example.line), example.about))
        .collect();
    let widest = lines.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
    let text_width = lines.iter().map(|(_, about)| about.len()).max();
    let fits = widest + text_width.unwrap_or(0) + 4 <= width;
    let mut text = String::from("Examples:");
    for (line, about) in lines {
        // Writing to a string cannot fail.
        let _ = if fits {
            write!(text, "\n  {line:<widest$}  {about}")
        } else {
            write!(text, "\n  {line}\n      {about}")
        };
    }
    text
}

const fn example(line: &'static str, about: &'static str) -> Example {
    Example { line, about }
}

static EXAMPLES: &[(&str, &[Example])] = &[
    (
        "paperboat",
        &[
            example(
                r#"run --mock flux-schnell "a red fox" -o out"#,
                "without a key and without cost",
            ),
            example(r#"run flux-schnell "a red fox""#, "with a key"),
            example("run flux-schnell -h", "the fields of a model"),
        ],
    ),
    (
        "run",
        &[
            example(
                r#"run flux-schnell "a red fox" -o fox.png"#,
                "one file, under this name",
            ),
            example(
                r#"run flux-schnell "a red fox" --aspect-ratio 16:9 -n 2"#,
                "fields as flags",
            ),
            example(
                r#"run flux-dev "a red fox" seed=1..4 -o out/{seed}.{ext}"#,
                "a prediction for each seed",
            ),
            example(
                r#"run flux-kontext-pro "in snow" input_image=@fox.png"#,
                "edit an image",
            ),
            example(
                r#"run flux-schnell "a red fox" --dry-run"#,
                "what would be sent, and its cost",
            ),
        ],
    ),
    (
        "again",
        &[
            example(
                r#"again fox.webp "a blue fox""#,
                "the same with another prompt",
            ),
            example(
                "again q4chw5rey9rmt0cww76t4h3ma4 seed=1..4 -o foxes",
                "with other seeds",
            ),
        ],
    ),
    (
        "create",
        &[
            example(r#"create flux-schnell "a red fox""#, "print the id"),
            example(
                r#"create flux-schnell "a red fox" --once fox-7"#,
                "at most once, however often it runs",
            ),
        ],
    ),
    (
        "get",
        &[example(
            "get q4chw5rey9rmt0cww76t4h3ma4",
            "the status, and the URLs once it has succeeded",
        )],
    ),
    (
        "wait",
        &[
            example("wait q4chw5rey9rmt0cww76t4h3ma4 -o out", "one prediction"),
            example("wait --all", "every prediction that is still running"),
        ],
    ),
    (
        "batch",
        &[
            example(
                "batch rows.csv --model flux-schnell -o out --dry-run",
                "check the rows",
            ),
            example("batch rows.csv --model flux-schnell -o out", "run them"),
            example(
                "batch rows.csv --model flux-schnell -o out --max-cost 5",
                "for at most 5 dollars",
            ),
            example(
                r#"batch --each photos "in oil" --model flux-kontext-pro -o out"#,
                "edit a folder",
            ),
        ],
    ),
    (
        "list",
        &[
            example(
                "list --failed --since 2h",
                "what failed in the last two hours",
            ),
            example("list --batch out", "the rows of a batch"),
            example("list --limit 0 --json", "everything, as lines of JSON"),
        ],
    ),
    (
        "show",
        &[
            example("show fox.webp", "the prediction of a file"),
            example(
                "show q4chw5rey9rmt0cww76t4h3ma4 --curl",
                "a command that repeats it",
            ),
        ],
    ),
    (
        "demo",
        &[
            example("demo", "in the folder paperboat-demo"),
            example("demo -o tour", "in another folder"),
        ],
    ),
    (
        "open",
        &[
            example("open", "the newest files"),
            example("open q4chw5rey9rmt0cww76t4h3ma4", "those of a prediction"),
            example("open out", "the page of the batch in out, or the folder"),
        ],
    ),
    (
        "gallery",
        &[
            example("gallery out", "write out/index.html"),
            example("gallery --since 2h", "write gallery.html in this folder"),
            example("gallery --since 7days -o week.html", "to another file"),
        ],
    ),
    (
        "prune",
        &[example(
            "prune --older-than 30d",
            "remove what ended more than 30 days ago",
        )],
    ),
    (
        "resolve",
        &[
            example("resolve", "adopt what can be proven, and wait for it"),
            example(
                "resolve --adopt 12=q4chw5rey9rmt0cww76t4h3ma4",
                "number 12 has this id",
            ),
            example("resolve --not-created 12", "number 12 was not created"),
        ],
    ),
    (
        "prices",
        &[
            example("prices", "of every model"),
            example("prices flux-schnell --json", "of one, for a script"),
        ],
    ),
    (
        "models",
        &[
            example("models kontext", "the models of this name"),
            example(
                "models edit image",
                "both words in name, description or fields",
            ),
            example("models flux-schnell", "one model with its fields"),
        ],
    ),
    (
        "schema",
        &[example("schema flux-schnell", "the schema of its input")],
    ),
    (
        "mock",
        &[
            example("mock --port 8080", "serve until Ctrl-C"),
            example(
                "mock --fault bad-gateway-page:0.1",
                "every tenth response is an error page",
            ),
            example(
                "mock --price flux-dev=0.03 --balance 1",
                "enough for 33 predictions",
            ),
        ],
    ),
    (
        "login",
        &[
            example("login", "type the key"),
            example("login --access-token", "for the task list"),
        ],
    ),
    (
        "logout",
        &[example("logout", "remove key and access token")],
    ),
    (
        "doctor",
        &[
            example("doctor", "free of charge"),
            example("doctor --smoke", "also create a prediction"),
        ],
    ),
    (
        "completions",
        &[example(
            "completions zsh --install",
            "write it to where the shell looks for it",
        )],
    ),
    (
        "man",
        &[
            example("man batch", "the page of a command"),
            example("man --write ~/.local/share/man/man1", "all pages"),
        ],
    ),
    (
        "help",
        &[
            example("help batch", "the same as batch --help"),
            example("help run flux-schnell", "with the fields of a model"),
            example("help exit-codes", "a topic"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsString;

    use clap::CommandFactory;

    use super::*;
    use crate::args::{Cli, Stop, parse};

    #[test]
    fn every_visible_command_has_examples_and_no_other() {
        let root = Cli::command();
        let shown = root.get_subcommands().filter(|it| !it.is_hide_set());
        let mut expected: BTreeSet<_> = shown.map(|it| it.get_name().to_owned()).collect();
        expected.insert("paperboat".to_owned());
        let named: BTreeSet<_> = EXAMPLES
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        assert_eq!(named, expected);
        assert_eq!(named.len(), EXAMPLES.len());
    }

    #[test]
    fn every_example_is_a_command_line() {
        for (command, examples) in EXAMPLES {
            assert!(!examples.is_empty(), "{command}");
            for Example { line, .. } in *examples {
                // As a shell would split it: only one argument is quoted.
                let parts: Vec<_> = line.split('"').collect();
                let mut words = vec!["paperboat".to_owned()];
                for (index, part) in parts.iter().enumerate() {
                    if index % 2 == 1 {
                        words.push((*part).to_owned());
                    } else {
                        words.extend(part.split_whitespace().map(str::to_owned));
                    }
                }
                assert!(words[1] == *command || *command == "paperboat", "{line}");
                let is_help = words.iter().any(|word| word == "-h" || word == "help");
                let parsed = parse(words.into_iter().map(OsString::from).collect());
                let is_right = match parsed {
                    Ok(_) => !is_help,
                    Err(Stop::Shown(_) | Stop::Topic(_)) => is_help,
                    Err(Stop::Refused(_)) => false,
                };
                assert!(is_right, "{line}");
            }
        }
    }
}
