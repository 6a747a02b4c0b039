//! The two secrets of an account: where each comes from, and where it is kept.
//!
//! A secret is found in the first of: the flag (keys only, since process lists show it), the
//! variable, the command that a variable names, our own file, and the file of `CometAPI`'s own
//! command line. A stored secret is sent only to the service that it was stored for, and one of the official
//! file only to `CometAPI`.

mod command;
mod file;
mod find;
mod official;
mod origin;
mod prompt;
mod secret;
mod source;
mod store;

pub(crate) use self::find::{Found, find};
pub(crate) use self::origin::Origin;
pub(crate) use self::prompt::{hidden_line, line};
pub(crate) use self::secret::{Kind, Secret};
pub(crate) use self::source::{System, variable};
pub(crate) use self::store::Store;
