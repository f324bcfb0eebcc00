#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bundle::fuzzing::image_file(data));
