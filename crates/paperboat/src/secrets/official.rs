//! The file of `CometAPI`'s own command line, `cometapi-cli`, which is only read.
//!
//! Its path and its names were read in that program's source (0.3.10): `api_key`, `access_token`,
//! `base_url`.

use std::path::Path;

use super::file::{self, Content};
use super::origin::Origin;
use super::secret::{Kind, Secret};
use crate::advice;

/// Below the folder for configuration.
pub(super) const FILE: &str = "cometapi/config.toml";

/// The secret in the file. It belongs to another program, so nothing that is wrong with it is a
/// failure here.
pub(super) fn read(path: &Path, kind: Kind, notes: &mut Vec<String>) -> Option<Secret> {
    let shown = path.display();
    let content = match file::read(path) {
        Ok(content) => content?,
        Err(fault) => {
            notes.push(format!("{shown} {fault}, so no {kind} is taken from it"));
            return None;
        }
    };
    let Content {
        table,
        is_open_to_others,
    } = content;
    let secret = Secret::of(table.get(kind.official_field())?.as_str()?)?;
    // Its secrets are for the service that it names.
    if let Some(base_url) = table.get("base_url").and_then(toml::Value::as_str)
        && !base_url.trim().is_empty()
        && !Origin::of(base_url).is_some_and(|origin| origin.is_comet())
    {
        notes.push(format!(
            "{shown} names another service than CometAPI, so no {kind} is taken from it"
        ));
        return None;
    }
    if is_open_to_others {
        let word = advice::shell_word(&shown.to_string());
        notes.push(format!("other users can read {shown}: chmod 600 {word}"));
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is found in a file of this content, and the notes.
    fn of(content: &str, kind: Kind) -> (Option<String>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mut notes = Vec::new();
        let secret = read(&path, kind, &mut notes);
        (secret.map(|secret| secret.expose().to_owned()), notes)
    }

    #[test]
    fn each_secret_has_its_name() {
        let both = "api_key = \"sk-1\"\naccess_token = \"t-1\"\nbase_url = \"https://api.cometapi.com/v1\"\n\
                    default_model = \"gpt\"\n";
        assert_eq!(of(both, Kind::Key).0.unwrap(), "sk-1");
        assert_eq!(of(both, Kind::AccessToken).0.unwrap(), "t-1");
        for none in ["", "api_key = \"\"", "api_key = 7", "[api_key]\nx = 1"] {
            assert_eq!(of(none, Kind::Key), (None, vec![]), "{none}");
        }
    }

    #[test]
    fn a_damaged_file_is_noted_without_its_content() {
        for (content, why) in [
            ("x = 1\napi_key = \"sk-1", "line 2"),
            ("api_key = sk-1", "line 1"),
            ("api_key = \"sk-1\"\napi_key = \"sk-1\"", "line 2"),
            ("\u{0}sk-1", "is not text"),
        ] {
            let (secret, notes) = of(content, Kind::Key);
            assert_eq!(secret, None, "{content}");
            assert!(notes[0].contains(why), "{content}: {notes:?}");
            assert!(!notes[0].contains("sk-1"), "{notes:?}");
        }
    }

    #[test]
    fn a_key_for_another_service_is_not_taken() {
        for base_url in ["https://gw.example/v1", "nonsense"] {
            let content = format!("api_key = \"sk-1\"\nbase_url = \"{base_url}\"");
            let (secret, notes) = of(&content, Kind::Key);
            assert_eq!(secret, None);
            assert!(notes[0].contains("another service"), "{notes:?}");
        }
    }

    #[test]
    fn without_a_file_there_is_nothing_to_say() {
        let folder = tempfile::tempdir().unwrap();
        let mut notes = Vec::new();
        let path = folder.path().join("none.toml");
        assert!(read(&path, Kind::Key, &mut notes).is_none());
        assert!(notes.is_empty());
    }
}
