#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| extraction::fuzzing::image_texts(data));
