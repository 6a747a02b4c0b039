//! The operations of the spec, each of which the mock, L3 and L4 must know.

use cometapi_mock::{MockServer, Spec};

use contract_spec::report::Report;

/// Reports each operation of `spec` that the mock does not carry out, or that is not in `driven`,
/// the operations that `layer` drives.
pub(super) fn check(layer: &str, driven: &[&str], spec: &Spec, report: &mut Report) {
    for operation in spec.operations() {
        if !MockServer::OPERATIONS.contains(&operation) {
            report.fail(
                operation,
                "operation-without-mock",
                "the mock answers 501: carry it out in crates/cometapi-mock/src/service.rs",
            );
        } else if !driven.contains(&operation) {
            report.fail(
                operation,
                "operation-without-driver",
                format!(
                    "nothing sends it in this layer: write a driver in crates/contract/src/layers/\
                     {layer}.rs and name it in OPERATIONS there"
                ),
            );
        } else {
            report.pass("operations");
        }
    }
}
