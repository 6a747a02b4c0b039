//! The layers, a module each: one function that checks and says what it found.

pub(crate) mod l2_types;
pub(crate) mod l3_requests;
pub(crate) mod l4_responses;
pub(crate) mod l5_outside;
pub(crate) mod l8_live;
mod operations;

use contract_spec::layer::Layer;
use contract_spec::workspace::Workspace;

/// The options of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The files to check.
    pub workspace: Workspace,
    /// What is to be done about outside tools.
    pub outside: Outside,
    /// Whether the live service may be called.
    pub live: Option<l8_live::Live>,
    /// What a mutation changes about the mock.
    pub twist: Twist,
}

impl Options {
    /// The layers that need nothing but this machine, over `workspace`.
    pub fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            outside: Outside::No,
            live: None,
            twist: Twist::None,
        }
    }
}

/// What is to be done about tools that are not part of the workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outside {
    /// They are not run.
    #[default]
    No,
    /// They are run where they are installed.
    IfThere,
    /// It is a failure when they are not.
    Require,
}

/// What a mutation changes about the mock that a layer talks to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Twist {
    /// Nothing.
    #[default]
    None,
    /// It goes by another spec.
    Spec(String),
    /// It answers every poll with this fault.
    Poll(cometapi_mock::Fault),
    /// It answers every create with this fault.
    Create(cometapi_mock::Fault),
}

/// A layer of `contract_spec`, run over the workspace of the options.
macro_rules! spec_layer {
    ($module:ident) => {
        Layer {
            id: contract_spec::$module::LAYER.id,
            title: contract_spec::$module::LAYER.title,
            check: |options| (contract_spec::$module::LAYER.check)(&options.workspace),
        }
    };
}

pub(crate) const LAYERS: [Layer<Options>; 9] = [
    spec_layer!(l0_spec),
    spec_layer!(l1_drift),
    Layer {
        id: "L2",
        title: "types against the spec",
        check: l2_types::run,
    },
    Layer {
        id: "L3",
        title: "requests on the wire",
        check: l3_requests::run,
    },
    Layer {
        id: "L4",
        title: "responses through the wrapper",
        check: l4_responses::run,
    },
    Layer {
        id: "L5",
        title: "the mock and the spec, judged by outside tools",
        check: l5_outside::run,
    },
    spec_layer!(l6_breaking),
    spec_layer!(l7_references),
    Layer {
        id: "L8",
        title: "the live service",
        check: l8_live::run,
    },
];

/// The layer with this id, in any case.
pub(crate) fn find(id: &str) -> Option<Layer<Options>> {
    Layer::find(&LAYERS, id)
}
