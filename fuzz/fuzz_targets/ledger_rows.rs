//! The ledger's reading of its own rows: any values in any columns.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cometapi_batch::fuzzing::ledger_rows(data));
