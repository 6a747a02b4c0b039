//! Responses of file hosts: any status and headers, and any beginning of a file.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cometapi::fuzzing::download_response(data));
