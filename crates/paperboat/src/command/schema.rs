//! `paperboat schema`: what a known model takes, for machines.

use cometapi::models;

use crate::args::Schema;
use crate::failure::Failure;
use crate::print;

pub(crate) fn execute(args: &Schema) -> Result<(), Failure> {
    let name = &args.model;
    match models::find(name) {
        Some(model) => print::document(model.schema().trim_end()),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::usage(format!("{name:?} is not a model known here"));
    match models::nearest(name) {
        Some(near) => failure.with_advice(format!("did you mean {}?", near.name())),
        None => failure.with_advice("those that are: paperboat models"),
    }
}
