//! The operations of the spec, each of which L3 and L4 must send and the mock must carry out.

use cometapi_mock::{MockServer, Received, Spec};
use http::StatusCode;

use contract_spec::report::Report;

/// Reports each operation of `spec` that the mock does not carry out, or that is not among
/// `requests`, those that the mock received in `layer`. A list of names would not show that
/// anything is sent.
pub(super) fn check(layer: &str, requests: &[Received], spec: &Spec, report: &mut Report) {
    for operation in spec.operations() {
        let mut statuses = requests
            .iter()
            .filter(|request| request.operation.as_deref() == Some(operation))
            .map(|request| request.status)
            .peekable();
        let is_sent = statuses.peek().is_some();
        let is_carried_out = statuses.any(|status| status != Some(StatusCode::NOT_IMPLEMENTED));
        if is_carried_out {
            report.pass("operations");
        } else if is_sent || !MockServer::OPERATIONS.contains(&operation) {
            report.fail(
                operation,
                "operation-without-mock",
                "the mock answers 501: carry it out in crates/cometapi-mock/src/service.rs and \
                 name it in MockServer::OPERATIONS",
            );
        } else {
            report.fail(
                operation,
                "operation-without-driver",
                format!(
                    "nothing sends it through the wrapper in this layer: add the call to \
                     crates/cometapi/src/calls/predictions.rs and a driver to \
                     crates/contract/src/layers/{layer}"
                ),
            );
        }
    }
}
