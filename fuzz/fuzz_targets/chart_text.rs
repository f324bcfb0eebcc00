#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tag_retrieval::fuzzing::chart_text(data));
