//! `paperboat login`: stores a key or an access token.

use std::io::{self, IsTerminal};

use crate::args::Login;
use crate::failure::Failure;
use crate::secrets::{self, Kind, Origin, Secret, Store};
use crate::{advice, connect, print};

pub(crate) async fn execute(args: Login) -> Result<(), Failure> {
    if !args.argument.is_empty() {
        return Err(Failure::usage(
            "login takes nothing as an argument: process lists and the shell's history show it",
        )
        .with_advice("at the prompt: paperboat login; from a file: paperboat login < FILE")
        .with_advice("a key that was given here is best replaced by a new one"));
    }
    let kind = if args.access_token {
        Kind::AccessToken
    } else {
        Kind::Key
    };
    let origin = origin(kind, args.base_url.as_deref())?;
    let store = Store::of_user()?;
    if io::stdin().is_terminal() && origin.is_comet() {
        print::stderr(format_args!("to create an {kind}: {}", kind.page()));
    }
    let prompt = format!("{kind} for {origin} (what you type is hidden):");
    let line = secrets::hidden_line(&prompt).await?;
    let secret = Secret::of(&line).ok_or_else(|| none_given(kind, &origin))?;
    if !secret.can_be_sent() {
        return Err(Failure::usage(format!(
            "the {kind} contains a space or another character that no {kind} has"
        ))
        .with_advice("nothing was stored; copy it again"));
    }
    store.set(&origin, kind, &secret)?;
    let (masked, path) = (secret.masked(), store.path().display());
    print::stderr(format_args!("stored {masked} for {origin} in {path}"));
    let variable = kind.variable();
    if secrets::variable(variable)?.is_some() {
        print::note(format_args!("{variable} is set, and is used instead of it"));
    }
    print::stderr(format_args!(
        "to check it: {}",
        advice::command("doctor", "")
    ));
    Ok(())
}

/// What a secret of this kind is stored for. An address that no client can have is refused.
pub(super) fn origin(kind: Kind, flag: Option<&str>) -> Result<Origin, Failure> {
    if let Some(origin) = connect::origin(kind, flag)? {
        return Ok(origin);
    }
    let base_url = connect::base_url(flag)?;
    if Origin::of(&base_url).is_some() {
        return Err(Failure::usage("the address of the account is not a url")
            .with_advice("check COMETAPI_ACCOUNT_URL"));
    }
    // Its words, which do not show what may hold a key.
    let refused = cometapi::Client::builder().base_url(base_url).build();
    Err(refused.map_or_else(Failure::from, |_| {
        Failure::usage("the base url is not a url")
    }))
}

fn none_given(kind: Kind, origin: &Origin) -> Failure {
    let failure = Failure::usage(format!("no {kind} was given, so nothing was stored"));
    if origin.is_comet() {
        return failure.with_advice(format!("to create one: {}", kind.page()));
    }
    failure
}
