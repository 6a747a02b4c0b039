//! Rows of a table: any bytes.

#![no_main]

use cometapi_batch::{Format, fuzzing};

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::rows(Some(Format::Csv), data));
