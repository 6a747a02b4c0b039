//! A layer: its name, what it checks, and the function that checks it.

use std::time::Instant;

use crate::report::{Ran, Report};

/// A layer that needs `O` to run.
#[derive(Debug)]
pub struct Layer<O: 'static> {
    /// `L0` to `L8`.
    pub id: &'static str,
    /// What it checks, in a few words.
    pub title: &'static str,
    /// Checks it. An error means that the layer could not run.
    pub check: fn(&O) -> anyhow::Result<Report>,
}

impl<O> Clone for Layer<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Layer<O> {}

impl<O> Layer<O> {
    /// The layer of `all` with this id, in any case.
    pub fn find(all: &[Self], id: &str) -> Option<Self> {
        all.iter()
            .copied()
            .find(|layer| layer.id.eq_ignore_ascii_case(id))
    }

    /// Runs it. A layer that cannot run has failed.
    pub fn run(&self, options: &O) -> Ran {
        let began = Instant::now();
        let report = (self.check)(options).unwrap_or_else(|error| {
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
