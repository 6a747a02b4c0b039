//! What a caller gives: model, id, base URL, data URI.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &str| cometapi::fuzzing::input(data));
