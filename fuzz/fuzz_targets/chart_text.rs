#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| extraction::fuzzing::chart_text(data));
