//! Checks requests to the account's endpoints.

use super::credential;
use super::endpoint::{Access, AccountEndpoint};
use crate::builder::Settings;
use crate::request_log::Received;
use crate::spec::{self, Checked, Rule, Violation};

/// Says what is not allowed about a request, as the document's check does for predictions. Another method
/// than `GET` is the only thing reported of its request.
pub(crate) fn request(
    settings: &Settings,
    endpoint: AccountEndpoint,
    request: &Received,
) -> Checked {
    let mut checked = Checked::default();
    if request.method != AccountEndpoint::METHOD {
        checked.allow = vec![AccountEndpoint::METHOD];
        let method = Violation::new(Rule::Method, "method", request.method.as_str());
        checked.violations.push(method);
        return checked;
    }
    checked.operation = Some(endpoint.operation().to_owned());
    let access = endpoint.access();
    if access != Access::Public {
        checked.violations.extend(spec::security(&request.headers));
    }
    let leaks = credential::leaks(settings, access, &request.headers);
    checked.violations.extend(leaks);
    checked.violations.extend(query(endpoint, request.query()));
    if !request.body.is_empty() {
        let seen = "sent where none is declared";
        checked
            .violations
            .push(Violation::new(Rule::ContentType, "body", seen));
    }
    if settings.strict_headers {
        let undeclared = spec::undeclared(&request.headers, |_| false);
        checked.violations.extend(undeclared);
    }
    checked
}

fn query(endpoint: AccountEndpoint, query: &str) -> Vec<Violation> {
    let declared = endpoint.query();
    let pairs = spec::query_pairs(query);
    let mut violations = Vec::new();
    for (at, (name, value)) in pairs.iter().enumerate() {
        let seen = match declared.iter().find(|(known, _)| known == name) {
            // The value stays out: it may be a key.
            None => "not declared",
            Some(_) if pairs[..at].iter().any(|(earlier, _)| earlier == name) => {
                "sent more than once"
            }
            Some((_, wanted)) if !wanted.fits(value) => "not of its schema",
            Some(_) => continue,
        };
        violations.push(Violation::new(Rule::Query, format!("query {name}"), seen));
    }
    violations
}
