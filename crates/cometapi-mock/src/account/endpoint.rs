//! The endpoints of the account: where they are, and what they take.

use http::Method;
use percent_encoding::percent_decode_str;

/// An endpoint of the account side. All are `GET`, at the root of the API origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AccountEndpoint {
    /// `/api/models`: names and prices, without a credential (observed in the vendor's client).
    Models,
    /// `/api/model/{code}`: one of them (observed in the vendor's client).
    Model,
    /// `/v1/dashboard/billing/subscription`: the limit of the API key (observed in the vendor's client).
    Subscription,
    /// `/v1/dashboard/billing/usage`: what the API key has used (observed in the vendor's client).
    Usage,
    /// `/api/user/self`: the balance, with the access token (observed in the vendor's client).
    User,
    /// `/api/task/self`: what was submitted and what it cost, with the access token (observed in the
    /// vendor's client).
    Tasks,
}

/// The credential that an endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// None.
    Public,
    /// The API key.
    Key,
    /// The access token.
    Token,
}

/// What the value of a query parameter must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryValue {
    Text,
    /// A whole number, not negative.
    Number,
    /// A task's status.
    Status,
}

/// The words for a task's status (observed in the vendor's client).
const STATUSES: &[&str] = &[
    "SUBMITTED",
    "QUEUED",
    "IN_PROGRESS",
    "FAILURE",
    "SUCCESS",
    "UNKNOWN",
];

impl QueryValue {
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            Self::Text => !text.is_empty(),
            Self::Number => text.parse::<u64>().is_ok(),
            Self::Status => STATUSES.contains(&text),
        }
    }
}

impl AccountEndpoint {
    /// Every endpoint, those of the balance after those of the prices.
    pub const ALL: [Self; 6] = [
        Self::Models,
        Self::Model,
        Self::Subscription,
        Self::Usage,
        Self::User,
        Self::Tasks,
    ];

    /// Its name in the log of requests, as [`Received::operation`](crate::Received::operation) has it.
    pub fn operation(self) -> &'static str {
        match self {
            Self::Models => "list_models",
            Self::Model => "get_model",
            Self::Subscription => "get_subscription",
            Self::Usage => "get_usage",
            Self::User => "get_user",
            Self::Tasks => "list_tasks",
        }
    }

    /// Its path, with its parameter in braces.
    pub fn path(self) -> &'static str {
        match self {
            Self::Models => "/api/models",
            Self::Model => "/api/model/{code}",
            Self::Subscription => "/v1/dashboard/billing/subscription",
            Self::Usage => "/v1/dashboard/billing/usage",
            Self::User => "/api/user/self",
            Self::Tasks => "/api/task/self",
        }
    }

    pub(crate) fn summary(self) -> &'static str {
        match self {
            Self::Models => "Names and prices of the models",
            Self::Model => "One model and its price",
            Self::Subscription => "The limit of the API key in dollars",
            Self::Usage => "What the API key has used in cents",
            Self::User => "The account's balance in units of quota",
            Self::Tasks => "What was submitted, and what it cost",
        }
    }

    pub(crate) fn access(self) -> Access {
        match self {
            Self::Models | Self::Model => Access::Public,
            Self::Subscription | Self::Usage => Access::Key,
            Self::User | Self::Tasks => Access::Token,
        }
    }

    /// The query parameters that it takes (observed in the vendor's client).
    pub(crate) fn query(self) -> &'static [(&'static str, QueryValue)] {
        use QueryValue::{Number, Status, Text};
        match self {
            Self::Tasks => &[
                ("p", Number),
                ("page_size", Number),
                ("platform", Text),
                ("task_id", Text),
                ("status", Status),
                ("action", Text),
                ("start_timestamp", Number),
                ("end_timestamp", Number),
            ],
            Self::Models | Self::Model | Self::Subscription | Self::Usage | Self::User => &[],
        }
    }

    /// The one method that it has.
    pub(crate) const METHOD: Method = Method::GET;

    /// The endpoint at a path, with the value of its parameter, percent-decoded.
    ///
    /// How the slash of a model's code arrives is not known: both ways are taken.
    pub(crate) fn at(path: &str) -> Option<(Self, Option<String>)> {
        let fixed = Self::ALL.into_iter().find(|one| one.path() == path);
        if let Some(endpoint) = fixed.filter(|one| *one != Self::Model) {
            return Some((endpoint, None));
        }
        let code = path.strip_prefix("/api/model/")?;
        let code = percent_decode_str(code).decode_utf8().ok()?;
        (!code.is_empty()).then(|| (Self::Model, Some(code.into_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_by_its_path() {
        for endpoint in AccountEndpoint::ALL {
            let path = endpoint.path().replace("{code}", "a%2Fb-1");
            let (found, code) = AccountEndpoint::at(&path).unwrap();
            assert_eq!(found, endpoint);
            let wanted = (endpoint == AccountEndpoint::Model).then_some("a/b-1");
            assert_eq!(code.as_deref(), wanted);
        }
        assert!(AccountEndpoint::at("/api/model/a/b-1").is_some());
        for path in [
            "/api/model/",
            "/api/model",
            "/api/models/",
            "/api/user",
            "/api/model/%ff",
            "/replicate/v1/api/models",
        ] {
            assert_eq!(AccountEndpoint::at(path), None, "{path}");
        }
    }

    #[test]
    fn no_two_have_a_name_in_common() {
        let mut names: Vec<_> = AccountEndpoint::ALL.map(AccountEndpoint::operation).into();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), AccountEndpoint::ALL.len());
    }

    /// The document is written for the client; the mock must not drift from it.
    #[test]
    fn the_endpoints_are_those_of_the_document() {
        use serde_json::Value;

        let document: Value = serde_saphyr::from_str(include_str!("../../account.yaml")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.len(), AccountEndpoint::ALL.len());
        for endpoint in AccountEndpoint::ALL {
            let operation = &paths[endpoint.path()]["get"];
            assert_eq!(operation["operationId"], endpoint.operation());
            let demands = operation["security"].as_array().unwrap().iter();
            let schemes: Vec<&String> = demands
                .flat_map(|demand| demand.as_object().unwrap().keys())
                .collect();
            let scheme = match endpoint.access() {
                Access::Public => None,
                Access::Key => Some("apiKey"),
                Access::Token => Some("accessToken"),
            };
            assert_eq!(schemes, Vec::from_iter(scheme), "{endpoint:?}");
            let parameters = operation["parameters"].as_array();
            let described =
                parameters.into_iter().flatten().map(|parameter| {
                    match parameter["$ref"].as_str() {
                        Some(pointer) => document.pointer(&pointer[1..]).unwrap(),
                        None => parameter,
                    }
                });
            // It takes two more of the vendor's client, for which ours has no use.
            let taken: Vec<_> = endpoint.query().iter().map(|(name, _)| *name).collect();
            for parameter in described.filter(|parameter| parameter["in"] == "query") {
                let name = parameter["name"].as_str().unwrap();
                assert!(taken.contains(&name), "{endpoint:?}: {name}");
            }
        }
    }
}
