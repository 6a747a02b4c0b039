//! What holds for every command: exit codes, environment, files. The end of the program's help, and
//! part of each manual page.

/// Something to read about.
pub(crate) struct Topic {
    /// Its heading in the help.
    name: &'static str,
    /// Its heading in a manual page.
    pub(crate) section: &'static str,
    /// Its terms and what they mean.
    pub(crate) entries: &'static [(&'static str, &'static str)],
}

/// All topics as text, for a terminal of 80 columns.
pub(crate) fn text() -> String {
    let topics = TOPICS.iter().map(|topic| {
        let widths = topic.entries.iter().map(|(term, _)| term.len());
        let widest = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
        let entry = |(term, text): &(&str, &str)| {
            let fill = " ".repeat(widest + 4);
            if term.len() > widest {
                return format!("  {term}\n{}", wrapped(text, &fill));
            }
            wrapped(text, &fill).replacen(&fill, &format!("  {term:<widest$}  "), 1)
        };
        let entries: Vec<_> = topic.entries.iter().map(entry).collect();
        format!("{}:\n{}", topic.name, entries.join("\n"))
    });
    topics.collect::<Vec<_>>().join("\n\n")
}

/// A longer term has a line of its own.
const WIDEST: usize = 24;

/// Text in lines that begin with `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    const WIDTH: usize = 78;

    let mut lines = vec![indent.to_owned()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, String::len);
        if line > indent.len() && line + 1 + word.len() > WIDTH {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

pub(crate) const TOPICS: [Topic; 3] = [
    Topic {
        name: "Exit codes",
        section: "EXIT STATUS",
        entries: &[
            ("0", "succeeded"),
            ("1", "anything else"),
            ("2", "usage, or refused before anything was sent"),
            ("3", "the prediction failed, was canceled or aborted"),
            ("4", "stopped waiting; `paperboat wait ID` continues"),
            ("5", "the key was refused"),
            ("6", "rate limited or out of quota"),
            (
                "7",
                "a request may have been accepted; nothing was sent again",
            ),
            ("8", "the outputs are gone"),
            ("129", "ended by SIGHUP"),
            ("130", "ended by ctrl-c"),
            ("143", "ended by SIGTERM"),
        ],
    },
    Topic {
        name: "Environment",
        section: "ENVIRONMENT",
        entries: &[
            ("COMETAPI_KEY", "the API key"),
            (
                "COMETAPI_KEY_COMMAND",
                "a command that prints the API key; else the key is that of `paperboat login`, or of CometAPI's own command",
            ),
            (
                "COMETAPI_ACCESS_TOKEN",
                "the account's access token, for its task list",
            ),
            (
                "COMETAPI_ACCESS_TOKEN_COMMAND",
                "a command that prints the access token",
            ),
            (
                "COMETAPI_BASE_URL",
                "the service; by default https://api.cometapi.com",
            ),
            (
                "COMETAPI_ACCOUNT_URL",
                "the service's account, if it is elsewhere",
            ),
            (
                "PAPERBOAT_LEDGER",
                "the file in which predictions are recorded",
            ),
            ("NO_COLOR", "if it is set, nothing is coloured"),
        ],
    },
    Topic {
        name: "Files",
        section: "FILES",
        entries: &[
            (
                "~/.local/share/paperboat/ledger.sqlite3",
                "the ledger, which records every prediction",
            ),
            (
                "~/.config/paperboat/credentials.toml",
                "what `paperboat login` stored",
            ),
            (
                "~/.config/cometapi/config.toml",
                "the key of CometAPI's own command, if there is no other",
            ),
            (
                ".cometapi-batch",
                "in the folder of a batch: which batch it is",
            ),
            (
                "index.jsonl, index.csv",
                "in the folder of a batch: what became of each row",
            ),
        ],
    },
];
