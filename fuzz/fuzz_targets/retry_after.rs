//! The `Retry-After` header: any bytes a header can hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cometapi::fuzzing::retry_after(data));
