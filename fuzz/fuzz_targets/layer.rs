#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tag_retrieval::fuzzing::layer(data));
