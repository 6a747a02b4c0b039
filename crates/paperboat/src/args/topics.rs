//! What holds for every command: exit codes, environment, files, how input is written. Each is shown by
//! `paperboat help`, and most are sections of each manual page.

use super::{layout, suggest};

/// The exit codes of `batch`, for its help and the topic.
macro_rules! codes_of_batch {
    () => {
        "The exit code is 0 if every row succeeded that --skip-bad and --limit leave; else that of the most \
         severe error, or 4 if rows are left to do, such as those that --max-cost left. With --strict, it is 0 \
         only if all succeeded: 2 if rows were skipped, 4 if the limit left some."
    };
}
pub(super) use codes_of_batch;

/// Something to read about.
pub(crate) struct Topic {
    /// Its name after `paperboat help`.
    pub(crate) name: &'static str,
    /// What it is about, in a few words.
    pub(crate) about: &'static str,
    /// Its heading in a manual page, if it is a section of each.
    pub(crate) section: Option<&'static str>,
    /// What stands before its entries.
    before: &'static str,
    /// Its terms and what they mean.
    pub(crate) entries: &'static [(&'static str, &'static str)],
    /// What stands after its entries.
    after: &'static str,
}

/// The topic of this name.
pub(crate) fn find(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().copied().find(|topic| topic.name == name)
}

/// The topic that `name` was meant to be.
pub(super) fn like(name: &str) -> Option<&'static str> {
    suggest::word(name, TOPICS.iter().map(|topic| topic.name))
}

/// The names of all topics and what they are about.
pub(super) fn list(width: usize) -> String {
    layout::list(TOPICS.iter().map(|topic| (topic.name, topic.about)), width)
}

impl Topic {
    /// The topic as text.
    pub(crate) fn text(&self, width: usize) -> String {
        let entries = layout::list(self.entries.iter().copied(), width);
        let before = layout::wrapped(self.before, width);
        let after = layout::wrapped(self.after, width);
        let head = [before, entries]
            .into_iter()
            .filter(|part| !part.is_empty());
        let head = head.collect::<Vec<_>>().join("\n");
        if after.is_empty() {
            return head;
        }
        format!("{head}\n\n{after}")
    }
}

/// All topics, in the order in which they are listed.
pub(crate) static TOPICS: [&Topic; 4] = [
    &Topic {
        name: "exit-codes",
        about: "What each exit code means",
        section: Some("EXIT STATUS"),
        before: "",
        entries: &[
            ("0", "succeeded"),
            ("1", "anything else"),
            (
                "2",
                "usage, or refused before anything was sent; of several predictions: rows were skipped",
            ),
            ("3", "the prediction failed, was canceled or aborted"),
            (
                "4",
                "stopped waiting; `paperboat wait ID` continues; of several predictions: some are left to do",
            ),
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
        after: concat!(
            "A command on several predictions, such as `batch`, ends with one code. ",
            codes_of_batch!()
        ),
    },
    &Topic {
        name: "environment",
        about: "Environment variables",
        section: Some("ENVIRONMENT"),
        before: "",
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
                "the ledger: a file, or the URL of a PostgreSQL database",
            ),
            (
                "PGPASSWORD",
                "the password of the database, if the URL has none",
            ),
            ("NO_COLOR", "if it is set, nothing is coloured"),
        ],
        after: "",
    },
    &Topic {
        name: "files",
        about: "Files that are read and written",
        section: Some("FILES"),
        before: "",
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
        after: "",
    },
    &INPUT,
];

/// How input is written. It is also part of the help of the commands that take it.
pub(super) static INPUT: Topic = Topic {
        name: "input",
        about: "How a model's input is written: prompt, values, files",
        section: None,
        before: "Values are JSON if they parse as JSON, else strings; `prompt` is always a string.",
        entries: &[
            (
                "\"a red fox\"",
                "an argument that is not key=value is the prompt",
            ),
            (
                "key=value",
                "steps=4, go_fast=false, aspect_ratio=16:9, prompt=1984",
            ),
            (
                "key:=JSON",
                "always JSON: size:='[1,2]', note:='\"@text\"'",
            ),
            (
                "key=@FILE",
                "the content of a file: UTF-8 text as text, anything else as a data URI; @- is stdin, and so is prompt=-",
            ),
            (
                "seed=1..20",
                "each of these whole numbers, in a prediction of its own (run and again)",
            ),
        ],
        after: "\
For known models (`paperboat models`), values are read as the type of their field, each \
input_images=@FILE adds to the list, the input is checked before it is sent, and each field is also a \
flag: --aspect-ratio 16:9, --go-fast, --no-go-fast, -n 2. A flag that is given again replaces the first, \
unless it takes a list. Choices may be in capitals, and jpeg is jpg. To see the fields of a model, name it \
before --help.

If no prompt is given, known models take it from stdin, where that is a pipe or a file: echo \"a red fox\" \
| paperboat run flux-schnell. If one is given, stdin is left alone. In a loop over stdin, give the prompt, \
or add </dev/null.",
    };
