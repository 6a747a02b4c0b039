//! The order in which a secret is looked for.

use std::fmt;
use std::path::PathBuf;

use super::secret::{Kind, Secret};
use crate::failure::Failure;

/// Where a secret came from. It holds no secret, and is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Variable(&'static str),
    /// The command that this variable holds.
    Command(&'static str),
    /// Our own file.
    Stored(PathBuf),
    /// The file of `CometAPI`'s own command line.
    Official(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--key"),
            Self::Variable(name) => f.write_str(name),
            Self::Command(name) => write!(f, "the command in {name}"),
            Self::Stored(path) => path.display().fmt(f),
            Self::Official(path) => {
                write!(f, "{}, the file of CometAPI's own command", path.display())
            }
        }
    }
}

/// A secret and where it came from.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) secret: Secret,
    pub(crate) source: Source,
}

/// What is searched; a table in tests.
pub(crate) trait Places {
    /// The value of a variable, unless it is unset or only whitespace.
    fn variable(&self, name: &'static str) -> Result<Option<String>, Failure>;
    /// The secret that `command` prints; `variable` holds the command.
    fn run(&self, variable: &'static str, command: &str) -> Result<Secret, Failure>;
    /// The secret in our own file, for the service in use.
    fn stored(&self, kind: Kind) -> Result<Option<(Secret, PathBuf)>, Failure>;
    /// The secret in the official command's file, if it may be used for the service in use.
    fn official(&self, kind: Kind, notes: &mut Vec<String>) -> Option<(Secret, PathBuf)>;
}

/// Finds a secret in the first place that has one. What a person should know of a place that was
/// looked at is added to `notes`.
pub(crate) fn find(
    kind: Kind,
    flag: Option<&str>,
    places: &impl Places,
    notes: &mut Vec<String>,
) -> Result<Option<Found>, Failure> {
    let found = |secret, source| Ok(Some(Found { secret, source }));
    if let Some(secret) = flag.and_then(Secret::of) {
        return found(secret, Source::Flag);
    }
    let usual = kind.variable();
    for name in [Some(usual), kind.other_variable()].into_iter().flatten() {
        let value = places.variable(name)?;
        if let Some(secret) = value.as_deref().and_then(Secret::of) {
            if name != usual {
                notes.push(format!(
                    "the {kind} is from {name}; the usual name is {usual}"
                ));
            }
            return found(secret, Source::Variable(name));
        }
    }
    let name = kind.command_variable();
    if let Some(command) = places.variable(name)? {
        return found(places.run(name, &command)?, Source::Command(name));
    }
    if let Some((secret, path)) = places.stored(kind)? {
        return found(secret, Source::Stored(path));
    }
    match places.official(kind, notes) {
        Some((secret, path)) => found(secret, Source::Official(path)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Which places have a secret: each has its own name as its secret.
    #[derive(Default)]
    struct Table {
        has: Vec<&'static str>,
        searched: RefCell<Vec<&'static str>>,
    }

    impl Table {
        fn get(&self, name: &'static str) -> Option<Secret> {
            self.searched.borrow_mut().push(name);
            let has = self.has.contains(&name);
            has.then(|| Secret::of(name).unwrap())
        }
    }

    impl Places for Table {
        fn variable(&self, name: &'static str) -> Result<Option<String>, Failure> {
            Ok(self.get(name).map(|secret| secret.expose().to_owned()))
        }

        fn run(&self, variable: &'static str, command: &str) -> Result<Secret, Failure> {
            assert_eq!(variable, command);
            Ok(Secret::of("printed").unwrap())
        }

        fn stored(&self, _: Kind) -> Result<Option<(Secret, PathBuf)>, Failure> {
            Ok(self.get("stored").map(|secret| (secret, "own".into())))
        }

        fn official(&self, _: Kind, notes: &mut Vec<String>) -> Option<(Secret, PathBuf)> {
            notes.push("official".to_owned());
            self.get("official").map(|secret| (secret, "theirs".into()))
        }
    }

    #[test]
    fn the_first_place_that_has_a_secret_is_used_and_no_later_one_is_looked_at() {
        let keys = [
            ("flag", Source::Flag),
            ("COMETAPI_KEY", Source::Variable("COMETAPI_KEY")),
            ("COMETAPI_API_KEY", Source::Variable("COMETAPI_API_KEY")),
            (
                "COMETAPI_KEY_COMMAND",
                Source::Command("COMETAPI_KEY_COMMAND"),
            ),
            ("stored", Source::Stored("own".into())),
            ("official", Source::Official("theirs".into())),
        ];
        let tokens = [
            (
                "COMETAPI_ACCESS_TOKEN",
                Source::Variable("COMETAPI_ACCESS_TOKEN"),
            ),
            (
                "COMETAPI_ACCESS_TOKEN_COMMAND",
                Source::Command("COMETAPI_ACCESS_TOKEN_COMMAND"),
            ),
            ("stored", Source::Stored("own".into())),
            ("official", Source::Official("theirs".into())),
        ];
        for (kind, order) in [(Kind::Key, &keys[..]), (Kind::AccessToken, &tokens)] {
            // This place and all after it have a secret.
            for (at, (first, source)) in order.iter().enumerate() {
                let has = order[at..].iter().map(|(name, _)| *name).collect();
                let table = Table {
                    has,
                    ..Table::default()
                };
                let flag = (*first == "flag").then_some(*first);
                let mut notes = Vec::new();
                let found = find(kind, flag, &table, &mut notes).unwrap().unwrap();
                assert_eq!(found.source, *source);
                let is_printed = matches!(source, Source::Command(_));
                let secret = if is_printed { "printed" } else { *first };
                assert_eq!(found.secret.expose(), secret);
                let before: Vec<_> = order[..=at].iter().map(|(name, _)| *name).collect();
                let searched = table.searched.borrow();
                let looked_at: Vec<_> = before.into_iter().filter(|name| *name != "flag").collect();
                assert_eq!(*searched, looked_at, "{first}");
                let is_noted = matches!(*first, "COMETAPI_API_KEY" | "official");
                assert_eq!(!notes.is_empty(), is_noted, "{first}: {notes:?}");
            }
        }
    }

    #[test]
    fn a_source_is_shown_in_the_words_of_the_person_who_set_it() {
        for (source, shown) in [
            (Source::Flag, "--key"),
            (Source::Variable("COMETAPI_KEY"), "COMETAPI_KEY"),
            (Source::Command("X_COMMAND"), "the command in X_COMMAND"),
            (Source::Stored("own".into()), "own"),
            (
                Source::Official("theirs".into()),
                "theirs, the file of CometAPI's own command",
            ),
        ] {
            assert_eq!(source.to_string(), shown);
        }
    }

    #[test]
    fn there_may_be_none() {
        for kind in Kind::ALL {
            for flag in [None, Some(" ")] {
                let found = find(kind, flag, &Table::default(), &mut Vec::new());
                assert!(found.unwrap().is_none());
            }
        }
    }

    #[test]
    fn the_usual_name_wins_over_the_other_one_without_a_note() {
        let table = Table {
            has: vec!["COMETAPI_KEY", "COMETAPI_API_KEY"],
            ..Table::default()
        };
        let mut notes = Vec::new();
        let found = find(Kind::Key, None, &table, &mut notes).unwrap().unwrap();
        assert_eq!(found.source.to_string(), "COMETAPI_KEY");
        assert_eq!(notes, [""; 0]);
    }
}
