//! The kinds of error, and what follows from each.

use std::fmt;

/// Declares the kinds, each with its word.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal,)+) => {
        /// The kinds of error, each with what to do about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $kind,)+
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The word of this kind: `"rate_limited"`. Ledgers and logs hold these words, so none
            /// ever changes.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word),+
                }
            }
        }
    };
}

kinds! {
    /// There is no key. Nothing was sent. Set `COMETAPI_KEY` or give one to the builder.
    NoKey = "no_key",
    /// A setting cannot be used: the base URL, the key's characters, plain http to another
    /// machine. Nothing was sent. Fix the setting.
    Config = "config",
    /// The model is neither `owner/name` nor the short name of a known model, or its name is a
    /// misspelling of a known model's. Nothing was sent. Fix the name, or, if it is meant, send it
    /// unchecked.
    InvalidModel = "invalid_model",
    /// The input is not a JSON object, or not what its model is known to take: see
    /// [`Error::problems`](crate::Error). Nothing was sent. Fix the input, or send it
    /// unchecked.
    InvalidInput = "invalid_input",
    /// The prediction id cannot be one. Nothing was sent. Fix the id.
    InvalidId = "invalid_id",
    /// No connection was ever made, so nothing was accepted. Check the network and the base
    /// URL, then call again; if [`Error::is_permanent`](crate::Error::is_permanent), a retry alone
    /// cannot help.
    NeverReached = "never_reached",
    /// The address answers, but not as this API: a web page or a redirect. Nothing was
    /// accepted. Check the base URL.
    WrongEndpoint = "wrong_endpoint",
    /// The key was refused. Check the key, and that it belongs to this base URL.
    Unauthorized = "unauthorized",
    /// A firewall or proxy in front of the service answered 403 with a page, with text or with nothing.
    /// Nothing was accepted, and the key is not at fault. Check the network: a VPN, a region or
    /// an address that is blocked.
    Blocked = "blocked",
    /// The account has no quota or credit left. Top up, then call again.
    OutOfQuota = "out_of_quota",
    /// Too many requests, and the service asks for a longer wait than the policy or the time
    /// left allows: see [`Error::retry_after`](crate::Error::retry_after).
    RateLimited = "rate_limited",
    /// The service understood the request and will not do it. Its words, code and field are
    /// in the error. Change the request.
    Refused = "refused",
    /// A create request left this machine and no response says what happened to it. It may run, and be
    /// charged. It was not sent again; check the account's task list before you do.
    MaybeAccepted = "maybe_accepted",
    /// The service knows no prediction of this id: it never existed, belongs to another key,
    /// or was removed.
    NotFound = "not_found",
    /// A poll got no usable response: connection lost, server fault, time out. Safe to repeat.
    Unavailable = "unavailable",
    /// The service returned JSON that is not a prediction in any known shape. The raw body
    /// is in the error; please report it.
    Undecodable = "undecodable",
    /// The run succeeded in another form than the typed input's model is known to return, or
    /// with an output that cannot be used: empty, or names of files instead of URLs.
    /// [`Error::prediction`](crate::Error::prediction) has the output;
    /// [`Run::completed`](crate::Run) accepts any output.
    UnexpectedOutput = "unexpected_output",
    /// The run ended in failure. [`Error::prediction`](crate::Error::prediction) has the reason.
    Failed = "failed",
    /// The run was canceled.
    Canceled = "canceled",
    /// The run ended before it began, for instance past its deadline.
    Aborted = "aborted",
    /// The run succeeded, but its files have been removed. They are kept about an hour.
    Expired = "expired",
    /// Waiting stopped at its deadline; the run continues. Wait again with the id.
    WaitTimeout = "wait_timeout",
    /// The `on_created` hook failed. The prediction exists: its id is in the error.
    Hook = "hook",
    /// A file could not be downloaded. It may still be fetched with its URL while the
    /// service keeps it.
    Download = "download",
    /// A local file could not be read or written.
    File = "file",
}

/// Whether a prediction exists when a create request ends in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Creation {
    /// Nothing was created, and nothing was charged.
    NotCreated,
    /// Unknown: the request may have been accepted.
    Unknown,
    /// It was created.
    Created,
}

impl ErrorKind {
    /// The kind that has this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Whether a prediction exists when a create request, or a run, ends in this kind of error.
    pub fn creation(self) -> Creation {
        match self {
            Self::NoKey
            | Self::Config
            | Self::InvalidModel
            | Self::InvalidInput
            | Self::InvalidId
            | Self::NeverReached
            | Self::WrongEndpoint
            | Self::Unauthorized
            | Self::Blocked
            | Self::OutOfQuota
            | Self::RateLimited
            | Self::Refused => Creation::NotCreated,
            // Those of a poll say nothing of the create request before it.
            Self::MaybeAccepted | Self::NotFound | Self::Unavailable | Self::Undecodable => {
                Creation::Unknown
            }
            Self::UnexpectedOutput
            | Self::Failed
            | Self::Canceled
            | Self::Aborted
            | Self::Expired
            | Self::WaitTimeout
            | Self::Hook
            | Self::Download
            | Self::File => Creation::Created,
        }
    }

    /// Returns what to do next, where that is the same for all errors of this kind and their
    /// messages do not say it.
    pub fn next_step(self) -> Option<&'static str> {
        match self {
            Self::NeverReached => Some("check the network and the base url, then call again"),
            Self::WrongEndpoint => {
                Some("check the base url; the default is https://api.cometapi.com")
            }
            Self::Unauthorized => {
                Some("check the key: keys only work with the service that issued them")
            }
            Self::Blocked => Some("check for a VPN, a region or an address that is blocked"),
            Self::OutOfQuota => Some("top up the account, then call again"),
            Self::RateLimited => Some("call again later, or with fewer predictions at once"),
            Self::Refused => Some("change the request"),
            Self::InvalidInput => Some("fix the input, or send it unchecked"),
            Self::MaybeAccepted => {
                Some("check the account's task list before you send it again: you may pay twice")
            }
            Self::NotFound => Some("check the id, and use the key that created it"),
            Self::Undecodable => Some("please report the response; `Error::body` holds its start"),
            Self::UnexpectedOutput => {
                Some("read the output from the prediction, or accept any with `Run::completed`")
            }
            Self::Expired => Some("run the model again, which costs again, and save files at once"),
            Self::Hook => Some("wait for the prediction by its id"),
            Self::Download => Some("download the file again while the service keeps it"),
            Self::NoKey
            | Self::Config
            | Self::InvalidModel
            | Self::InvalidId
            | Self::Unavailable
            | Self::Failed
            | Self::Canceled
            | Self::Aborted
            | Self::WaitTimeout
            | Self::File => None,
        }
    }

    /// How severe this kind is among the errors of many predictions; higher is more severe. What
    /// may have cost money without a result comes first, then what stops every request, then what
    /// is lost, then what failed, and last what only takes longer.
    pub fn severity(self) -> u8 {
        match self {
            Self::MaybeAccepted => 9,
            Self::Unauthorized => 8,
            Self::OutOfQuota => 7,
            Self::RateLimited => 6,
            Self::Expired => 5,
            Self::NoKey
            | Self::Config
            | Self::InvalidModel
            | Self::InvalidInput
            | Self::InvalidId
            | Self::NeverReached
            | Self::WrongEndpoint
            | Self::Blocked
            | Self::Refused
            | Self::NotFound
            | Self::Unavailable
            | Self::Undecodable
            | Self::UnexpectedOutput
            | Self::Hook
            | Self::Download
            | Self::File => 4,
            Self::Failed => 3,
            Self::Canceled => 2,
            Self::Aborted => 1,
            Self::WaitTimeout => 0,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ledgers hold the words: a change of one here is a change of the format.
    #[test]
    fn words_are_distinct_and_never_change() {
        let words: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(
            words.join(" "),
            "no_key config invalid_model invalid_input invalid_id never_reached wrong_endpoint unauthorized blocked out_of_quota rate_limited refused maybe_accepted not_found unavailable undecodable unexpected_output failed canceled aborted expired wait_timeout hook download file",
            "add the word of a new kind here; change no other"
        );
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_name(kind.as_str()), Some(*kind));
        }
        assert_eq!(ErrorKind::from_name("succeeded"), None);
    }
}
