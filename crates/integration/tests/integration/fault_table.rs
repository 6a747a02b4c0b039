//! What every known fault comes to, at every endpoint it can meet: the table.

use std::time::Duration;

use cometapi::ErrorKind;
use cometapi_mock::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Create,
    Poll,
    File,
}

/// How far the exchange comes before the fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The request has been read, no answer begins.
    AfterSend,
    /// The answer's head is not what it should be.
    Headers,
    /// The answer breaks on its way.
    MidBody,
    /// The answer is whole, and says something else.
    AfterBody,
}

use Endpoint::{Create, File, Poll};
use Phase::{AfterBody, AfterSend, Headers, MidBody};

/// What a case comes to: `None` is success, with the file in the folder.
pub(crate) type Outcome = Option<ErrorKind>;

pub(crate) struct Case {
    pub(crate) endpoint: Endpoint,
    pub(crate) phase: Phase,
    pub(crate) fault: Fault,
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    pub(crate) posts: usize,
}

fn case(endpoint: Endpoint, phase: Phase, fault: Fault, outcome: Outcome, posts: usize) -> Case {
    let name = format!("{endpoint:?} {fault:?}");
    Case {
        endpoint,
        phase,
        fault,
        name,
        outcome,
        posts,
    }
}

fn elsewhere() -> String {
    "https://www.example.com/replicate/v1/predictions/x".to_owned()
}

/// The create request, by the table of the design. One POST, but where it provably did not happen.
pub(crate) fn creates() -> Vec<Case> {
    use ErrorKind as K;
    let mut cases = Vec::new();
    let mut add = |phase, posts, outcome, faults: Vec<Fault>| {
        for fault in faults {
            cases.push(case(Create, phase, fault, outcome, posts));
        }
    };
    add(
        AfterBody,
        1,
        Some(K::Refused),
        vec![
            Fault::ModelNameMissing,
            Fault::ModelNotPriced,
            Fault::InvalidRequest,
            Fault::TaskNotExist,
            Fault::TaskOriginNotExist,
            Fault::InvalidApiPlatform,
            Fault::ModelPriceError,
            Fault::SensitiveWords,
            Fault::PromptBlocked,
            Fault::ConvertRequestFailed,
            Fault::InvalidUrl,
            Fault::UpstreamNotFound,
            Fault::BodyTooLarge,
            Fault::InputRefused,
            Fault::InputRefusedNested,
            Fault::FieldRequired,
            Fault::ModelNotFound,
        ],
    );
    add(
        AfterBody,
        1,
        Some(K::Unauthorized),
        vec![
            Fault::InvalidToken,
            Fault::UpstreamUnauthenticated,
            Fault::AccessDenied,
            Fault::NoAccessToModel,
        ],
    );
    add(
        AfterBody,
        1,
        Some(K::Blocked),
        vec![
            Fault::FirewallPage,
            Fault::FirewallText,
            Fault::ProxyForbidden,
        ],
    );
    add(AfterBody, 1, Some(K::NeverReached), vec![Fault::ProxyLogin]);
    add(
        AfterBody,
        1,
        Some(K::OutOfQuota),
        vec![
            Fault::UnauthorizedQuota,
            Fault::InsufficientCredit,
            Fault::QuotaFlat,
            Fault::InsufficientUserQuota,
            Fault::PreConsumeQuotaFailed,
            Fault::QuotaNotEnough,
        ],
    );
    add(
        AfterBody,
        2,
        None,
        vec![
            Fault::RateLimited,
            Fault::GroupSaturated,
            Fault::TaskRateLimited,
            Fault::EmptyTooManyRequests,
        ],
    );
    add(
        AfterBody,
        1,
        Some(K::RateLimited),
        vec![
            Fault::ThrottledSeconds(3600),
            Fault::ThrottledDate(Duration::from_secs(3600)),
            Fault::ThrottledBody(3600),
            Fault::ThrottledText(3600),
        ],
    );
    add(
        AfterBody,
        1,
        Some(K::MaybeAccepted),
        vec![
            Fault::RequestTimeout,
            Fault::GetChannelFailed,
            Fault::DoRequestFailed,
            Fault::QuotaInPrompt,
            Fault::BuildRequestFailed,
            Fault::GetTaskFailed,
            Fault::GenRelayInfoFailed,
            Fault::Panic,
            Fault::FailToFetchTask,
            Fault::InvalidResponse,
            Fault::Overloaded,
            Fault::BadResponseStatusCode,
            Fault::BadResponseBody,
            Fault::BadResponse,
            Fault::EmptyResponse,
            Fault::BadGatewayPage,
            Fault::GatewayTimeoutPage,
            Fault::CdnTimeoutPage,
            Fault::EmptyEnvelope,
            Fault::NoId,
            Fault::BrokenJson,
            Fault::EmptyBody,
        ],
    );
    add(
        Headers,
        1,
        Some(K::MaybeAccepted),
        vec![
            Fault::Found(elsewhere()),
            Fault::SeeOther(elsewhere()),
            Fault::Encoding("br".to_owned()),
        ],
    );
    add(
        Headers,
        1,
        Some(K::WrongEndpoint),
        vec![
            Fault::IndexPage,
            Fault::MovedPermanently(elsewhere()),
            Fault::TemporaryRedirect(elsewhere()),
        ],
    );
    add(
        AfterBody,
        1,
        None,
        vec![
            Fault::Wrapped,
            Fault::WrappedNew,
            Fault::WrappedTwice,
            Fault::BareTask,
            Fault::NumericCode,
            Fault::DataAsText,
            Fault::OuterLags,
            Fault::UrlInFailReason,
            Fault::TaskErrorWithPrediction,
            Fault::UnknownStatus("reticulating".to_owned()),
            Fault::ByteOrderMark,
            Fault::Utf16,
            Fault::HalfSurrogate,
            Fault::NotANumber,
            Fault::Gzip,
            Fault::Deflate,
        ],
    );
    // The gateway's own end of the run, in the response to the create request.
    add(AfterBody, 1, Some(K::Failed), vec![Fault::OuterFailed]);
    add(
        Headers,
        1,
        None,
        vec![
            Fault::ContentType("text/plain".to_owned()),
            Fault::Delay(Duration::from_millis(50)),
        ],
    );
    add(
        AfterSend,
        1,
        Some(K::MaybeAccepted),
        vec![Fault::Hang, Fault::Close, Fault::Reset],
    );
    add(
        MidBody,
        1,
        Some(K::MaybeAccepted),
        vec![
            Fault::CutBody,
            Fault::ResetBody,
            Fault::StallBody,
            Fault::ShortBody,
        ],
    );
    add(
        MidBody,
        1,
        None,
        vec![Fault::SlowBody(Duration::from_millis(2))],
    );
    cases
}

/// The poll: what may pass is waited out, what will not ends it. Always one POST.
pub(crate) fn polls() -> Vec<Case> {
    use ErrorKind as K;
    let mut cases = Vec::new();
    let mut add = |phase, outcome, faults: Vec<Fault>| {
        for fault in faults {
            cases.push(case(Poll, phase, fault, outcome, 1));
        }
    };
    add(
        AfterBody,
        None,
        vec![
            Fault::TaskNotExist,
            Fault::TaskOriginNotExist,
            Fault::UpstreamNotFound,
            Fault::InvalidUrl,
            Fault::FirewallPage,
            Fault::FirewallText,
            Fault::ProxyForbidden,
            Fault::RequestTimeout,
            Fault::ConvertRequestFailed,
            Fault::RateLimited,
            Fault::GroupSaturated,
            Fault::TaskRateLimited,
            Fault::EmptyTooManyRequests,
            Fault::FieldRequired,
            Fault::GetChannelFailed,
            Fault::DoRequestFailed,
            Fault::QuotaInPrompt,
            Fault::BuildRequestFailed,
            Fault::GetTaskFailed,
            Fault::GenRelayInfoFailed,
            Fault::Panic,
            Fault::FailToFetchTask,
            Fault::InvalidResponse,
            Fault::ModelNotFound,
            Fault::Overloaded,
            Fault::BadResponseStatusCode,
            Fault::BadResponseBody,
            Fault::BadResponse,
            Fault::EmptyResponse,
            Fault::BadGatewayPage,
            Fault::GatewayTimeoutPage,
            Fault::CdnTimeoutPage,
            Fault::Wrapped,
            Fault::WrappedNew,
            Fault::WrappedTwice,
            Fault::BareTask,
            Fault::NumericCode,
            Fault::DataAsText,
            Fault::OtherPrediction,
            Fault::EmptyEnvelope,
            Fault::OuterLags,
            Fault::UrlInFailReason,
            Fault::TaskErrorWithPrediction,
            Fault::NoId,
            Fault::UnknownStatus("reticulating".to_owned()),
            Fault::ByteOrderMark,
            Fault::Utf16,
            Fault::HalfSurrogate,
            Fault::NotANumber,
            Fault::Gzip,
            Fault::Deflate,
            Fault::Encoding("br".to_owned()),
            Fault::BrokenJson,
            Fault::EmptyBody,
        ],
    );
    add(
        AfterBody,
        Some(K::Refused),
        vec![
            Fault::ModelNameMissing,
            Fault::ModelNotPriced,
            Fault::InvalidRequest,
            Fault::InvalidApiPlatform,
            Fault::ModelPriceError,
            Fault::SensitiveWords,
            Fault::PromptBlocked,
            Fault::BodyTooLarge,
            Fault::InputRefused,
            Fault::InputRefusedNested,
        ],
    );
    add(
        AfterBody,
        Some(K::Unauthorized),
        vec![
            Fault::InvalidToken,
            Fault::UpstreamUnauthenticated,
            Fault::AccessDenied,
            Fault::NoAccessToModel,
        ],
    );
    add(
        AfterBody,
        Some(K::OutOfQuota),
        vec![
            Fault::UnauthorizedQuota,
            Fault::InsufficientCredit,
            Fault::QuotaFlat,
            Fault::InsufficientUserQuota,
            Fault::PreConsumeQuotaFailed,
            Fault::QuotaNotEnough,
        ],
    );
    add(AfterBody, Some(K::NeverReached), vec![Fault::ProxyLogin]);
    // A Retry-After beyond the deadline: the last poll still comes before it.
    add(
        AfterBody,
        None,
        vec![
            Fault::ThrottledSeconds(3600),
            Fault::ThrottledDate(Duration::from_secs(3600)),
            Fault::ThrottledBody(3600),
            Fault::ThrottledText(3600),
        ],
    );
    add(
        Headers,
        None,
        vec![
            Fault::IndexPage,
            Fault::MovedPermanently(elsewhere()),
            Fault::Found(elsewhere()),
            Fault::SeeOther(elsewhere()),
            Fault::TemporaryRedirect(elsewhere()),
            Fault::ContentType("text/plain".to_owned()),
            Fault::Delay(Duration::from_millis(50)),
        ],
    );
    add(
        AfterSend,
        None,
        vec![Fault::Hang, Fault::Close, Fault::Reset],
    );
    add(
        MidBody,
        None,
        vec![
            Fault::CutBody,
            Fault::ResetBody,
            Fault::StallBody,
            Fault::ShortBody,
            Fault::SlowBody(Duration::from_millis(2)),
        ],
    );
    // The gateway gave up on a run that it had not seen end.
    add(AfterBody, Some(K::Failed), vec![Fault::OuterFailed]);
    cases
}

/// The file: repeated while it may pass, and whole or not there.
pub(crate) fn files() -> Vec<Case> {
    use ErrorKind as K;
    let mut cases = Vec::new();
    let mut add = |phase, outcome, faults: Vec<Fault>| {
        for fault in faults {
            cases.push(case(File, phase, fault, outcome, 1));
        }
    };
    add(
        AfterBody,
        None,
        vec![
            Fault::RequestTimeout,
            Fault::EmptyTooManyRequests,
            Fault::ThrottledSeconds(1),
            Fault::BadGatewayPage,
            Fault::GatewayTimeoutPage,
            Fault::CdnTimeoutPage,
            Fault::Overloaded,
        ],
    );
    add(
        AfterBody,
        Some(K::Expired),
        vec![
            Fault::FileGone,
            Fault::UpstreamNotFound,
            Fault::FirewallPage,
        ],
    );
    add(
        Headers,
        Some(K::Download),
        vec![Fault::IndexPage, Fault::InvalidToken],
    );
    add(
        Headers,
        None,
        vec![
            Fault::FileMoved,
            Fault::ContentType("application/octet-stream".to_owned()),
            Fault::Delay(Duration::from_millis(50)),
        ],
    );
    add(
        AfterSend,
        None,
        vec![Fault::Hang, Fault::Close, Fault::Reset],
    );
    add(
        MidBody,
        None,
        vec![
            Fault::CutBody,
            Fault::ResetBody,
            Fault::StallBody,
            Fault::SlowBody(Duration::from_millis(2)),
        ],
    );
    cases
}
