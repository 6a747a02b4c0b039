//! The service: its address, the connection, the clock, and whether it accepts the key.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use cometapi::reqwest::{self, Url, header, redirect};
use cometapi::wire::ClientInfo;
use cometapi::{Client, Error, ErrorKind, causes};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::check::Check;
use super::local;
use crate::args::Service;
use crate::failure::Failure;
use crate::secrets::Found;
use crate::{advice, connect, exit};

/// An id that no prediction has.
const NO_PREDICTION: &str = "paperboat-doctor-checks-the-key";

/// How far the clock may be off: signed URLs and certificates are usually valid for longer.
const MAX_CLOCK_OFFSET: Duration = Duration::from_secs(300);

/// The client of the settings, and the check of its base URL.
pub(super) fn client(
    args: &Service,
    base_url: Result<String, Failure>,
    key: Option<&Found>,
) -> (Option<Client>, Check) {
    let base_url = match base_url {
        Ok(base_url) => base_url,
        Err(failure) => return (None, Check::failed("base url", &failure)),
    };
    // A client needs a key, and this one is not sent: what needs a key is then skipped.
    let key = key.map_or("none", |found| found.secret.expose());
    match connect::builder(args, &base_url).key(key).build() {
        Ok(client) => {
            let check = Check::ok("base url", client.raw().baseurl());
            (Some(client), check)
        }
        Err(error) => (None, Check::failed("base url", &Failure::from(error))),
    }
}

/// Where the service is.
pub(super) struct Address {
    /// The origin, where no credential is needed.
    root: Option<Url>,
}

impl Address {
    pub(super) fn of(client: &Client) -> Self {
        let url = Url::parse(client.raw().baseurl()).ok();
        let root = url.and_then(|url| url.join("/").ok());
        Self { root }
    }

    fn host(&self) -> &str {
        self.root
            .as_ref()
            .and_then(Url::host_str)
            .unwrap_or_default()
    }

    fn ip(&self) -> Option<IpAddr> {
        let host = self.host().trim_start_matches('[').trim_end_matches(']');
        host.parse().ok()
    }

    /// Whether it is this machine, which the client asks neither DNS nor a proxy for.
    fn is_loopback(&self) -> bool {
        let host = self.host();
        let is_name = host == "localhost" || host.ends_with(".localhost");
        is_name || self.ip().is_some_and(|ip| ip.to_canonical().is_loopback())
    }
}

/// Whether the name of the service has an address.
pub(super) async fn dns(address: &Address, limit: Duration) -> Check {
    const NAME: &str = "dns";
    let host = address.host();
    if address.is_loopback() || address.ip().is_some() {
        return Check::skipped(NAME, format!("{host} needs none"));
    }
    let next = "check the name, the network and its DNS";
    let failure = match timeout(limit, lookup_host((host, 443))).await {
        Ok(Ok(mut addresses)) => match addresses.next() {
            Some(first) => {
                let more = addresses.count();
                let more = if more == 0 {
                    String::new()
                } else {
                    format!(" and {more} more")
                };
                return Check::ok(NAME, format!("{host} is {}{more}", first.ip()));
            }
            None => format!("{host} has no address"),
        },
        Ok(Err(e)) => format!("{host} is not resolved: {e}"),
        Err(_) => format!("{host} is not resolved within {limit:?}"),
    };
    if local::has_proxies() {
        return Check::warning(
            NAME,
            failure,
            "a proxy, if it is used, resolves names itself",
        );
    }
    Check::failed_with(NAME, failure, next)
}

/// Whether the service responds, over TLS where it is https, and what the time is there. The request
/// holds no credential.
pub(super) async fn connection(address: &Address, limit: Duration) -> (Check, Check) {
    const NAME: &str = "connection";
    const CLOCK: &str = "clock";
    let unknown = || Check::skipped(CLOCK, "there is no response to compare it with");
    let sent = SystemTime::now();
    match timeout(limit, get(address)).await {
        Ok(Ok(response)) => {
            let tls = match response.url().scheme() {
                "https" => "the certificate is valid",
                _ => "plain http",
            };
            let status = response.status().as_u16();
            let detail = format!("{} responds (HTTP {status}, {tls})", address.host());
            (Check::ok(NAME, detail), clock(&response, sent))
        }
        Ok(Err(error)) => {
            let reasons = reasons(&error);
            let detail = format!("cannot connect to {}: {reasons}", address.host());
            (
                Check::failed_with(NAME, detail, next_step(&reasons)),
                unknown(),
            )
        }
        Err(_) => {
            let detail = format!("{} did not respond within {limit:?}", address.host());
            let next = "check the network, proxies and firewalls; to wait longer: --timeout 60s";
            (Check::failed_with(NAME, detail, next), unknown())
        }
    }
}

async fn get(address: &Address) -> Result<reqwest::Response, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("paperboat/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none());
    if address.is_loopback() {
        builder = builder.no_proxy();
    }
    // An address that is none is refused here.
    let root = address.root.as_ref().map_or("", Url::as_str);
    builder.build()?.get(root).send().await
}

/// The causes of an error; the outermost only repeats the address.
fn reasons(error: &reqwest::Error) -> String {
    let mut reasons: Vec<_> = causes(error).skip(1).map(ToString::to_string).collect();
    reasons.dedup();
    if reasons.is_empty() {
        return error.to_string();
    }
    reasons.join(": ")
}

fn next_step(reasons: &str) -> &'static str {
    if reasons.to_lowercase().contains("certificate") {
        return "check the clock, the base url, and whether something on the way replaces certificates";
    }
    "check the base url, the network, proxies and firewalls"
}

/// The clock of this machine against the `Date` of a response to a request sent at `sent`.
fn clock(response: &reqwest::Response, sent: SystemTime) -> Check {
    const NAME: &str = "clock";
    let date = response.headers().get(header::DATE);
    let date = date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let Some(date) = date else {
        return Check::skipped(NAME, "the service does not say what time it is");
    };
    compare(date, sent)
}

fn compare(service: SystemTime, here: SystemTime) -> Check {
    const NAME: &str = "clock";
    let (offset, way) = match service.duration_since(here) {
        Ok(offset) => (offset, "behind"),
        Err(e) => (e.duration(), "ahead of"),
    };
    if offset <= MAX_CLOCK_OFFSET {
        return Check::ok(NAME, "agrees with the service's");
    }
    let offset = humantime::format_duration(Duration::from_secs(offset.as_secs()));
    Check::warning(
        NAME,
        format!("{offset} {way} the service's"),
        "set the clock",
    )
}

/// Whether the service accepts the key, by polling a prediction that does not exist: that costs
/// nothing, goes the way that every request goes, and is answered with "not found" only to a key
/// that is accepted (inferred, as for every gateway of this family; the mock does so).
pub(super) async fn key(client: &Client, limit: Duration) -> Check {
    const NAME: &str = "key accepted";
    let accepted = || Check::ok(NAME, "the service accepts the key");
    let polled = timeout(limit, client.predictions().get(NO_PREDICTION)).await;
    let error = match polled {
        Ok(Ok(_)) => return accepted(),
        Ok(Err(error)) => error,
        Err(_) => {
            let detail = format!("no response within {limit:?}");
            return Check::failed_with(
                NAME,
                detail,
                "try again later; to wait longer: --timeout 60s",
            );
        }
    };
    match error.kind() {
        ErrorKind::NotFound => accepted(),
        ErrorKind::OutOfQuota | ErrorKind::RateLimited => {
            let next = next(&error);
            Check::warning(NAME, Failure::from(error).to_string(), next)
        }
        kind => {
            let code = if kind == ErrorKind::Unauthorized {
                exit::KEY
            } else {
                exit::OTHER
            };
            Check::failed(NAME, &Failure::from(error)).ends_with(code)
        }
    }
}

fn next(error: &Error) -> String {
    advice::of(error).join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::check::Status;

    #[test]
    fn a_certificate_has_its_own_next_step() {
        let refused = "client error (Connect): invalid peer certificate: Expired";
        assert!(next_step(refused).starts_with("check the clock"));
        let refused = "client error (Connect): tcp connect error: Connection refused";
        assert!(next_step(refused).contains("the network"));
    }

    #[test]
    fn a_clock_that_is_far_off_is_a_warning() {
        let here = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let by = Duration::from_secs;
        for (service, status, shown) in [
            (here, Status::Ok, "agrees"),
            (here + by(300), Status::Ok, "agrees"),
            (here - by(300), Status::Ok, "agrees"),
            (
                here + by(3_700),
                Status::Warning,
                "1h 1m 40s behind the service's; set the clock",
            ),
            (
                here - by(301),
                Status::Warning,
                "5m 1s ahead of the service's",
            ),
        ] {
            let check = compare(service, here);
            assert_eq!(check.status(), status);
            assert!(check.to_string().contains(shown), "{check}");
        }
    }
}
