//! Everything known to go wrong, by name.

pub(crate) mod canned;
pub(crate) mod corrupt;

use std::time::Duration;

use bytes::Bytes;

use crate::hold::Hold;
use crate::plan::Plan;

/// Declares the faults, each with an ordinary value of its value.
macro_rules! faults {
    (
        $(#[$attribute:meta])*
        pub enum Fault {
            $($(#[$about:meta])* $name:ident $(($holds:ty) = $sample:expr)?,)*
        }
    ) => {
        $(#[$attribute])*
        pub enum Fault {
            $($(#[$about])* $name $(($holds))?,)*

        /// The valid response, sent when the hold is released.
        Hold(Hold),
        /// Anything else.
        Response {
            /// The HTTP status; one that HTTP does not know becomes 500.
            status: u16,
            /// The `Content-Type`.
            content_type: String,
            /// The body.
            body: Bytes,
        },
        }

        impl Fault {
            /// Every fault but [`Response`](Self::Response) and [`Hold`](Self::Hold), those with
            /// a value each with an ordinary one. For tests that hold a client to the whole list.
            pub fn catalogue() -> Vec<Self> {
                vec![$(Self::$name $(($sample))?),*]
            }

            /// Returns its name as the command line has it: `BadGatewayPage` is
            /// `bad-gateway-page`.
            pub fn name(&self) -> String {
                kebab(match self {
                    $(Self::$name { .. } => stringify!($name),)*
                    Self::Hold(_) => "Hold",
                    Self::Response { .. } => "Response",
                })
            }
        }
    };
}

const ELSEWHERE: &str = "https://www.example.com/replicate/v1/predictions/x";

faults! {
/// One way in which a response differs from the valid one.
///
/// Most replace the response: the request is then not carried out, unless
/// [`after_accept`](Plan::after_accept) says so. Those that change its shape and those that corrupt a
/// body in transit are applied to the valid response, so the request **is** carried out.
///
/// The mark at each variant says where the fact comes from: *documented* by CometAPI (or by
/// Replicate where named), *observed* in client code, bug reports, sibling gateways or the
/// source of the gateway's software family, *inferred* by us.
///
/// The shapes: **E1** `{"error":{"message",…}}`, **E2** `{"code","message","data"}`, **E3**
/// `{"title","detail","status"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    // Refusals.
    /// 400 E1 with an empty `code`: "model name is required" (documented).
    ModelNameMissing,
    /// 400 E1: the model has no price set (observed).
    ModelNotPriced,
    /// 400 E2 `invalid_request` (observed).
    InvalidRequest,
    /// 400 E2 `task_not_exist`, also seen briefly after a create (documented for another
    /// route, observed in source).
    TaskNotExist,
    /// 400 E2 `task_not_exist` whose message is `task_origin_not_exist` (observed).
    TaskOriginNotExist,
    /// 400 E2 `invalid_api_platform` (observed).
    InvalidApiPlatform,
    /// 400 E2 `model_price_error` (observed).
    ModelPriceError,
    /// 400 E1 `sensitive_words_detected`: moderation before the model (observed).
    SensitiveWords,
    /// 400 E1 `prompt_blocked` (observed).
    PromptBlocked,
    /// 500 E1 `convert_request_failed` (observed; its status inferred).
    ConvertRequestFailed,
    /// 401 E1, message and type alone: "Invalid token" (documented, observed).
    InvalidToken,
    /// 401 E3 (documented by Replicate): the gateway's key upstream, not the caller's.
    UpstreamUnauthenticated,
    /// 401 E1 `insufficient_user_quota`: about money, not about the key (inferred).
    UnauthorizedQuota,
    /// 402 E3 "Insufficient credit" (documented by Replicate): the gateway's account.
    InsufficientCredit,
    /// 403 E2 with a null `code`: "user quota is not enough" (observed).
    QuotaFlat,
    /// 403 E1 `insufficient_user_quota` (observed).
    InsufficientUserQuota,
    /// 403 E1 `pre_consume_token_quota_failed` (observed).
    PreConsumeQuotaFailed,
    /// 403 E2 `quota_not_enough` (observed).
    QuotaNotEnough,
    /// 403 E1 `access_denied` (observed).
    AccessDenied,
    /// 403 E1 without a code: the key has no access to the model (observed).
    NoAccessToModel,
    /// 403 HTML: a firewall's page (documented).
    FirewallPage,
    /// 403 plain text, "error code: 1010": a firewall's (observed).
    FirewallText,
    /// 403 `{"message":"Forbidden"}`: a proxy's, in none of the service's shapes (observed).
    ProxyForbidden,
    /// 407 HTML: a proxy wants a login (inferred from HTTP).
    ProxyLogin,
    /// 404 E1 `invalid_request_error`: "Invalid URL" (observed).
    InvalidUrl,
    /// 404 E3 "Not found" (observed at Replicate and a sibling).
    UpstreamNotFound,
    /// 408 E1: the gateway waited too long for the request (inferred).
    RequestTimeout,
    /// 413 E1 `read_request_body_failed` (observed).
    BodyTooLarge,
    /// 422 E3 "Input validation failed" (documented by Replicate).
    InputRefused,
    /// 422 E2 `fail_to_fetch_task` with the E3 as text in its message (observed).
    InputRefusedNested,

    // Limits.
    /// 429 E1 (documented).
    RateLimited,
    /// 429 E1: the group's upstream is saturated, said in Chinese (observed).
    GroupSaturated,
    /// 429 E2 (observed).
    TaskRateLimited,
    /// 429 and nothing else: a limiter in front (observed).
    EmptyTooManyRequests,
    /// 429 E3 with `Retry-After` in seconds (documented by Replicate).
    ThrottledSeconds(u64) = 1,
    /// 429 E3 with `Retry-After` as an HTTP date this far ahead (inferred from HTTP).
    ThrottledDate(Duration) = Duration::from_secs(5),
    /// 429 E3 with `retry_after` in the body, in seconds, and no header (observed).
    ThrottledBody(u64) = 2,
    /// 429 E3 that only says "resets in ~Ns" in its text (observed).
    ThrottledText(u64) = 30,

    // Trouble behind the gateway.
    /// 500 E1 `invalid_request`: a refusal in spite of its status (documented).
    FieldRequired,
    /// 500 E1 `get_channel_failed` (observed).
    GetChannelFailed,
    /// 500 E2 `do_request_failed` (observed).
    DoRequestFailed,
    /// 502 E1 `do_request_failed` whose message quotes a prompt that holds the word "quotas"
    /// (inferred).
    QuotaInPrompt,
    /// 500 E2 `build_request_failed` (observed).
    BuildRequestFailed,
    /// 500 E2 `get_task_failed` (observed).
    GetTaskFailed,
    /// 500 E1 `gen_relay_info_failed` (observed).
    GenRelayInfoFailed,
    /// 500 E1 of type `new_api_panic` (observed).
    Panic,
    /// 500 E2 `fail_to_fetch_task` with an upstream error as text in its message (observed).
    FailToFetchTask,
    /// 502 E2 `invalid_response`: upstream responded without an id (observed in a fork).
    InvalidResponse,
    /// 503 E1 `model_not_found`: a refusal in spite of its status (observed).
    ModelNotFound,
    /// 503 E1 overload (documented).
    Overloaded,
    /// 502 E1 `bad_response_status_code` of type `upstream_error` (observed).
    BadResponseStatusCode,
    /// 500 E1 `bad_response_body` (observed).
    BadResponseBody,
    /// 500 E1 `bad_response` (observed).
    BadResponse,
    /// 500 E1 `empty_response` (observed).
    EmptyResponse,

    // Pages and redirects.
    /// 200 HTML: the site's front page, as for a path that the gateway does not know
    /// (documented, observed).
    IndexPage,
    /// 502 HTML (observed).
    BadGatewayPage,
    /// 504 HTML (documented; the page observed).
    GatewayTimeoutPage,
    /// 524 HTML: the CDN waited over 100 s (documented; the page observed).
    CdnTimeoutPage,
    /// 301 to this location (documented for a wrong path).
    MovedPermanently(String) = ELSEWHERE.to_owned(),
    /// 302 to this location (inferred from the 301).
    Found(String) = ELSEWHERE.to_owned(),
    /// 303 to this location (inferred from HTTP).
    SeeOther(String) = ELSEWHERE.to_owned(),
    /// 307 to this location (inferred from HTTP).
    TemporaryRedirect(String) = ELSEWHERE.to_owned(),

    // Valid responses in another shape.
    /// The poll's task envelope with the older fields (observed).
    Wrapped,
    /// The poll's task envelope with the newer fields (observed).
    WrappedNew,
    /// An envelope in an envelope, as of two gateways in a row (inferred).
    WrappedTwice,
    /// The gateway's task without an envelope (observed in gateways of the same family).
    BareTask,
    /// The task envelope with `"code": 200` (observed in gateways of the same family).
    NumericCode,
    /// The task envelope whose `data` is JSON as text (observed in gateways of the same family).
    DataAsText,
    /// The valid response for another prediction (inferred: a connection one response out of
    /// step).
    OtherPrediction,
    /// `{"code":"success","data":null}` (observed in source): 2xx JSON without an id.
    EmptyEnvelope,
    /// An envelope of status `FAILURE` by the gateway's time limit, whose inner prediction
    /// is still `processing` (observed in source).
    OuterFailed,
    /// An envelope that is still `IN_PROGRESS` around whatever the prediction is by now
    /// (inferred from the gateway's 15 s refresh).
    OuterLags,
    /// An envelope of status `SUCCESS` without an inner body, the file's URL in
    /// `fail_reason`, as in old rows (observed in source). Only once there are files.
    UrlInFailReason,
    /// HTTP 201 with E2 `fail_to_fetch_task` whose message is the prediction as text
    /// (inferred from source).
    TaskErrorWithPrediction,
    /// The prediction without its `id`: 2xx JSON that cannot be polled (inferred).
    NoId,
    /// The prediction with this status word (observed: words beyond the known ones).
    UnknownStatus(String) = "reticulating".to_owned(),
    /// 200 with JSON's media type and half a JSON text (observed behind proxies).
    BrokenJson,
    /// 200 with JSON's media type and no body (inferred).
    EmptyBody,
    /// The valid response after a byte-order mark (inferred).
    ByteOrderMark,
    /// The valid response in UTF-16 (inferred).
    Utf16,
    /// The valid response with half of a surrogate pair in a string, as of a log that was cut
    /// (observed).
    HalfSurrogate,
    /// The valid response with `NaN`, as Python writes it (observed).
    NotANumber,
    /// The valid response compressed by gzip although nothing asked for it (observed behind
    /// proxies).
    Gzip,
    /// The same by deflate (observed behind proxies).
    Deflate,
    /// The valid response that claims this content encoding (inferred).
    Encoding(String) = "br".to_owned(),
    /// The valid response under this `Content-Type` (observed behind proxies, storage).
    ContentType(String) = "text/plain".to_owned(),

    // The connection.
    /// The valid response, this much later (documented: a poll took over 45 s).
    Delay(Duration) = Duration::from_secs(50),
    /// Never a response; ends with the server or the client.
    Hang,
    /// The connection is closed when the request has been read.
    Close,
    /// The connection is reset when the request has been read.
    Reset,
    /// The valid response announced in full, half of its body sent, then closed.
    CutBody,
    /// The valid response announced in full, half of its body sent, then reset. A reset may
    /// take back what the client has not read yet.
    ResetBody,
    /// The valid response announced in full, half of its body sent, then nothing more; ends
    /// with the server or the client.
    StallBody,
    /// The valid response in sixteen pieces, this pause before each.
    SlowBody(Duration) = Duration::from_secs(1),
    /// Half of the valid body announced as if it were all of it: a complete response with a
    /// broken image or text.
    ShortBody,

    // Files.
    /// 404 as from a storage that has dropped the file (documented by Replicate: after an
    /// hour).
    FileGone,
    /// 302 to another path of the same origin, where the file is (inferred).
    FileMoved,
}
}

/// `bad-gateway-page` of `BadGatewayPage`.
fn kebab(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

impl Fault {
    /// Returns the fault of the [catalogue](Self::catalogue) that has this [name](Self::name).
    ///
    /// ```
    /// use cometapi_mock::Fault;
    ///
    /// assert_eq!(Fault::named("bad-gateway-page"), Some(Fault::BadGatewayPage));
    /// assert_eq!(Fault::named("fire"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        Self::catalogue()
            .into_iter()
            .find(|fault| fault.name() == name)
    }

    /// Whether it is about files, and does nothing to a response of the API.
    pub fn is_of_files(&self) -> bool {
        matches!(self, Self::FileGone | Self::FileMoved)
    }

    /// `times` times: short for [`Plan::of`] and [`Plan::times`].
    pub fn times(self, times: u32) -> Plan<Self> {
        Plan::of(self).times(times)
    }

    /// For as long as the server runs: short for [`Plan::of`] and [`Plan::always`].
    pub fn always(self) -> Plan<Self> {
        Plan::of(self).always()
    }

    /// Once, but the request is carried out first: short for [`Plan::of`] and
    /// [`Plan::after_accept`].
    ///
    /// ```
    /// use cometapi_mock::Fault;
    ///
    /// // The create request is accepted and charged; its caller sees a reset connection.
    /// let doubt = Fault::Reset.after_accept();
    /// # let _ = doubt;
    /// ```
    pub fn after_accept(self) -> Plan<Self> {
        Plan::of(self).after_accept()
    }

    /// A response of your own with a JSON body.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Response {
            status,
            content_type: "application/json".to_owned(),
            body: body.to_string().into(),
        }
    }
}
