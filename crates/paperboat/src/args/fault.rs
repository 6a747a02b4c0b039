//! A fault of the mock, as it is named on the command line.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command};
use cometapi_mock::{Fault, Plan};

/// A fault, and the share of the requests that get it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FaultShare {
    fault: Fault,
    share: f64,
}

impl FaultShare {
    /// Whether it is for downloads instead of the API.
    pub(crate) fn is_of_files(&self) -> bool {
        self.fault.is_of_files()
    }

    pub(crate) fn plan(&self) -> Plan<Fault> {
        self.fault.clone().always().share(self.share)
    }
}

/// Reads `NAME[:SHARE]`; help and completion show the names.
#[derive(Clone)]
pub(crate) struct FaultParser;

impl TypedValueParser for FaultParser {
    type Value = FaultShare;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<FaultShare, clap::Error> {
        TypedValueParser::parse_ref(&parse, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = Fault::catalogue().into_iter().map(|fault| fault.name());
        Some(Box::new(names.map(PossibleValue::new)))
    }
}

/// The help of the flag that takes it.
pub(super) fn help() -> String {
    let names = Fault::catalogue().into_iter().map(|fault| fault.name());
    let names: Vec<_> = names.collect();
    format!(
        "Inject a fault into a share of the requests\n\nSHARE is from 0 to 1; without it, all of them. Repeat \
         it for more faults; the first one drawn is used. The names: {}.",
        names.join(", ")
    )
}

fn parse(text: &str) -> Result<FaultShare, String> {
    let (name, share) = match text.split_once(':') {
        Some((name, share)) => (name, Some(share)),
        None => (text, None),
    };
    let fault = Fault::named(name).ok_or_else(|| unknown(name))?;
    let share = match share {
        None => 1.0,
        Some(share) => share
            .parse()
            .ok()
            .filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(|| format!("{share:?} is no share; write a number from 0 to 1, as 0.1"))?,
    };
    Ok(FaultShare { fault, share })
}

/// Names the nearest fault, however far it is: somebody who types a name knows what it is about.
fn unknown(name: &str) -> String {
    let names = Fault::catalogue().into_iter().map(|fault| fault.name());
    let similarity = |known: &String| strsim::jaro_winkler(name, known);
    let nearest = names.max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    format!(
        "no fault is called {name:?}; did you mean {}? `paperboat mock --help` lists them",
        nearest.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_name_and_a_share() {
        let read = |text| parse(text).map(|one| (one.fault, one.share));
        assert_eq!(read("close"), Ok((Fault::Close, 1.0)));
        assert_eq!(read("close:0"), Ok((Fault::Close, 0.0)));
        assert_eq!(
            read("bad-gateway-page:0.25"),
            Ok((Fault::BadGatewayPage, 0.25))
        );
        for bad in [
            "close:",
            "close:1.1",
            "close:-0.1",
            "close:NaN",
            "close:half",
            "close:1:1",
        ] {
            let error = read(bad).unwrap_err();
            assert!(error.contains("a number from 0 to 1"), "{bad}: {error}");
        }
    }

    #[test]
    fn an_unknown_name_gets_the_nearest() {
        for (typed, near) in [
            ("bad-gatway-page", "bad-gateway-page"),
            ("BadGatewayPage", "bad-gateway-page"),
            ("gateway-timeout", "gateway-timeout-page"),
            ("rate-limit:0.1", "rate-limited"),
        ] {
            let error = parse(typed).unwrap_err();
            assert!(error.contains(&format!("did you mean {near}?")), "{error}");
        }
    }
}
