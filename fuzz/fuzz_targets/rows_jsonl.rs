//! Rows of JSON, one a line or in a list: any bytes.

#![no_main]

use cometapi_batch::{Format, fuzzing};

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::rows(Some(Format::JsonLines), data));
