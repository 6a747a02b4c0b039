//! What a wait costs.

/// What a client needs for a run, on average.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Means {
    pub(crate) polls: f64,
    /// From the end of the run to the poll that shows it, in seconds.
    pub(crate) delay: f64,
    /// The run itself, in seconds.
    pub(crate) duration: f64,
}
