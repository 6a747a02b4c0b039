//! The places of this machine.

use std::env::{self, VarError};
use std::path::PathBuf;

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;

use super::find::Places;
use super::origin::Origin;
use super::secret::{Kind, Secret};
use super::store::Store;
use super::{command, official};
use crate::failure::Failure;

/// The environment and the files of the user, for one service.
pub(crate) struct System<'a> {
    pub(crate) origin: &'a Origin,
}

impl Places for System<'_> {
    fn variable(&self, name: &'static str) -> Result<Option<String>, Failure> {
        variable(name)
    }

    fn run(&self, variable: &'static str, command: &str) -> Result<Secret, Failure> {
        command::run(variable, command)
    }

    fn stored(&self, kind: Kind) -> Result<Option<(Secret, PathBuf)>, Failure> {
        // Without a home folder nothing was stored.
        let Ok(store) = Store::of_user() else {
            return Ok(None);
        };
        let secret = store.get(self.origin, kind)?;
        Ok(secret.map(|secret| (secret, store.path().to_owned())))
    }

    fn official(&self, kind: Kind, notes: &mut Vec<String>) -> Option<(Secret, PathBuf)> {
        if !self.origin.is_comet() {
            return None;
        }
        // It uses the folders of XDG on every system.
        let path = Xdg::new().ok()?.config_dir().join(official::FILE);
        let secret = official::read(&path, kind, notes)?;
        Some((secret, path))
    }
}

/// The value of a variable; one of only whitespace counts as unset.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        // Its value may be a key: not shown.
        Err(VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("{name} is not text; set it again")))
        }
    }
}
