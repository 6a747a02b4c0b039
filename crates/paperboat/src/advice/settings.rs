//! The settings that a command was given, for the commands that are printed as advice: pasted, they
//! must find the same service, ledger and folder.

use std::ffi::OsStr;
use std::sync::OnceLock;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory};

use super::quote::shell_word;
use crate::args::{Cli, Destination, LedgerAddress};

/// The flags that advice repeats, by their names in clap. Never the key.
const KEPT: [&str; 6] = [
    "output",
    "allow_private_files",
    "ledger",
    "base_url",
    "base_url_as_is",
    "allow_http",
];

static GIVEN: OnceLock<Settings> = OnceLock::new();

/// Remembers the settings of the command line of this process.
pub(crate) fn remember(matches: &ArgMatches) {
    if let Some((command, matches)) = matches.subcommand() {
        // A process runs one command.
        let _ = GIVEN.set(Settings::of(command, matches));
    }
}

/// Returns `paperboat COMMAND WORDS` with the settings that this process was given and that `command`
/// takes. `words` are quoted.
pub(crate) fn command(command: &str, words: &str) -> String {
    match GIVEN.get() {
        Some(settings) => settings.command(command, words),
        None => Settings::default().command(command, words),
    }
}

/// The same with another value of the setting `id`.
pub(crate) fn command_with(command: &str, words: &str, id: &'static str, value: &str) -> String {
    let given = |name| GIVEN.get()?.0.iter().find(|(given, _)| *given == name);
    let settings = KEPT.into_iter().filter_map(|name| match name {
        _ if name == id => Some((name, Some(value.to_owned()))),
        _ => given(name).cloned(),
    });
    Settings(settings.collect()).command(command, words)
}

/// Flags that were given, with the value of each that takes one.
#[derive(Default)]
struct Settings(Vec<(&'static str, Option<String>)>);

impl Settings {
    fn of(command: &str, matches: &ArgMatches) -> Self {
        let given = KEPT.into_iter().filter(|id| {
            // The ledger knows the folder of each batch.
            let is_of_batch = command == "batch" && *id == "output";
            let is_known = matches.try_contains_id(id).is_ok();
            let is_given = || matches.value_source(id) == Some(ValueSource::CommandLine);
            is_known && !is_of_batch && is_given()
        });
        let with_value = given.filter_map(|id| {
            if matches.try_get_one::<bool>(id).is_ok() {
                return Some((id, None));
            }
            let value = matches.get_raw(id)?.next_back()?;
            if id == "ledger" {
                // Without the password of a database.
                let Ok(address) = LedgerAddress::read(value.to_owned());
                return Some((id, Some(address.to_string())));
            }
            // A user name and password in a URL are secrets.
            (id != "base_url" || !has_at(value)).then(|| (id, Some(text(value))))
        });
        Self(with_value.collect())
    }

    fn command(&self, command: &str, words: &str) -> String {
        let cli = Cli::command();
        let takes = |id: &str| {
            let found = cli.find_subcommand(command)?;
            found
                .get_arguments()
                .find(|arg| arg.get_id() == id)
                .cloned()
        };
        let flags = self.0.iter().filter_map(|(id, value)| {
            // Where all predictions are waited for, each is saved where it was created for.
            let is_for_all = command == "resolve" || words.contains("--all");
            if *id == "output" && is_for_all && !is_folder(value.as_deref()) {
                return None;
            }
            let arg = takes(id)?;
            Some(format!(" {}", flag(&arg, value.as_deref())?))
        });
        let flags: String = flags.collect();
        // Nothing after `--` is a flag.
        match words {
            "" => format!("paperboat {command}{flags}"),
            words if words.starts_with("-- ") => format!("paperboat {command}{flags} {words}"),
            words => format!("paperboat {command} {words}{flags}"),
        }
    }
}

/// Whether a value of `-o` is a folder.
fn is_folder(value: Option<&str>) -> bool {
    let read = value.map(|value| Destination::read(value.into()));
    matches!(read, Some(Ok(Destination::Folder(_))))
}

fn has_at(value: &OsStr) -> bool {
    value.as_encoded_bytes().contains(&b'@')
}

fn text(value: &OsStr) -> String {
    value.to_string_lossy().into_owned()
}

/// The flag as it is typed.
fn flag(arg: &Arg, value: Option<&str>) -> Option<String> {
    let name = match (arg.get_short(), arg.get_long()) {
        (Some(short), _) => format!("-{short}"),
        (None, long) => format!("--{}", long?),
    };
    match (arg.get_action(), value) {
        (ArgAction::SetTrue, _) => Some(name),
        // A value that begins with a hyphen is read as a value only there.
        (_, Some(value)) if value.starts_with('-') && value != "-" => {
            let long = arg.get_long()?;
            Some(format!(
                "--{long}={}",
                shell_word(value).trim_start_matches("-- ")
            ))
        }
        (_, Some(value)) => Some(format!(
            "{name} {}",
            shell_word(value).trim_start_matches("-- ")
        )),
        (_, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What advice to run `advised` is, after the command line `line`.
    fn after(line: &str, advised: &str, words: &str) -> String {
        let matches = Cli::command()
            .try_get_matches_from(line.split(' '))
            .unwrap();
        let (name, matches) = matches.subcommand().unwrap();
        Settings::of(name, matches).command(advised, words)
    }

    #[test]
    fn advice_keeps_the_settings_that_its_command_takes() {
        let run = "paperboat run a/b prompt=x -o it's/{id}.png --base-url http://[::1]:9/ \
                   --base-url-as-is --allow-http --ledger l.db --allow-private-files --key sk-1";
        let service = "--base-url 'http://[::1]:9/' --base-url-as-is --allow-http";
        let all = format!(r"-o 'it'\''s/{{id}}.png' --allow-private-files --ledger l.db {service}");
        let rest = all.strip_prefix(r"-o 'it'\''s/{id}.png' ").unwrap();
        for (line, advised, words, expected) in [
            (run, "wait", "x7", format!("paperboat wait x7 {all}")),
            (
                run,
                "wait",
                "-- -x7",
                format!("paperboat wait {all} -- -x7"),
            ),
            (run, "resolve", "", format!("paperboat resolve {rest}")),
            (run, "list", "", "paperboat list --ledger l.db".to_owned()),
            (
                run,
                "doctor",
                "",
                format!("paperboat doctor --ledger l.db {service}"),
            ),
            (run, "prices", "", format!("paperboat prices {service}")),
            (run, "models", "", "paperboat models".to_owned()),
            (
                "paperboat run a/b",
                "wait",
                "x7",
                "paperboat wait x7".to_owned(),
            ),
            (
                "paperboat run a/b -o -",
                "wait",
                "x7",
                "paperboat wait x7 -o -".to_owned(),
            ),
            (
                "paperboat run a/b -o=-x",
                "wait",
                "x7",
                "paperboat wait x7 --output=-x".to_owned(),
            ),
            (
                "paperboat batch r.csv -o out",
                "resolve",
                "",
                "paperboat resolve".to_owned(),
            ),
            (
                "paperboat get x --base-url https://u:pw@h",
                "wait",
                "x",
                "paperboat wait x".to_owned(),
            ),
        ] {
            assert_eq!(after(line, advised, words), expected, "{line}");
        }
    }

    /// Every command that advice names in the source goes through [`command`], unless it takes none of
    /// these settings or shows an example of its own.
    #[test]
    fn no_advice_names_a_command_without_its_settings() {
        let mut wrong = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    // Help and completions show commands as such.
                    if !path.ends_with("args") && !path.ends_with("complete") {
                        folders.push(path);
                    }
                    continue;
                }
                if path.extension() != Some(OsStr::new("rs")) {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let lines = code.lines().filter(|line| {
                    let names_one = [
                        "wait", "resolve", "list", "doctor", "prices", "get", "again",
                    ]
                    .iter()
                    .any(|name| line.contains(&format!("paperboat {name}")));
                    names_one && !line.trim_start().starts_with("//")
                });
                wrong.extend(lines.map(|line| format!("{}: {line}", path.display())));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }
}
