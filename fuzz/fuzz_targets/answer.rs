//! Poll and create answers: any bytes, any status.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: (u16, &[u8])| cometapi::fuzzing::response(data.0, data.1));
