//! The layers, a module each: one function that checks and says what it found.

pub(crate) mod l0_spec;
pub(crate) mod l1_drift;
pub(crate) mod l2_types;
pub(crate) mod l3_requests;
pub(crate) mod l4_answers;
pub(crate) mod l5_outside;
pub(crate) mod l6_breaking;
pub(crate) mod l7_references;
pub(crate) mod l8_live;
mod operations;

use std::time::Instant;

use crate::report::{Ran, Report};
use crate::workspace::Workspace;

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

/// A layer: its name, what it checks, and the function that does.
#[derive(Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    run: fn(&Options) -> anyhow::Result<Report>,
}

pub(crate) const LAYERS: [Layer; 9] = [
    Layer {
        id: "L0",
        title: "the spec, linted",
        run: l0_spec::run,
    },
    Layer {
        id: "L1",
        title: "generated files against the spec",
        run: l1_drift::run,
    },
    Layer {
        id: "L2",
        title: "types against the spec",
        run: l2_types::run,
    },
    Layer {
        id: "L3",
        title: "requests on the wire",
        run: l3_requests::run,
    },
    Layer {
        id: "L4",
        title: "answers through the wrapper",
        run: l4_answers::run,
    },
    Layer {
        id: "L5",
        title: "the mock and the spec, judged by outsiders",
        run: l5_outside::run,
    },
    Layer {
        id: "L6",
        title: "the spec against its last release",
        run: l6_breaking::run,
    },
    Layer {
        id: "L7",
        title: "the spec against other references",
        run: l7_references::run,
    },
    Layer {
        id: "L8",
        title: "the live service",
        run: l8_live::run,
    },
];

impl Layer {
    pub(crate) fn find(id: &str) -> Option<Self> {
        LAYERS
            .into_iter()
            .find(|layer| layer.id.eq_ignore_ascii_case(id))
    }

    pub(crate) fn run(&self, options: &Options) -> Ran {
        let began = Instant::now();
        let report = (self.run)(options).unwrap_or_else(|error| {
            let mut report = Report::default();
            report.fail("the layer", "broke", format!("{error:#}; fix that first"));
            report
        });
        Ran {
            layer: self.id,
            title: self.title,
            millis: began.elapsed().as_millis(),
            report: report.closed(),
        }
    }
}
