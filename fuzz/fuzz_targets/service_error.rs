//! Error bodies: any JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cometapi::fuzzing::service_error(data));
