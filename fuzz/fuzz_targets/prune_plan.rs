#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| prune_plan::fuzzing::plan(data));
