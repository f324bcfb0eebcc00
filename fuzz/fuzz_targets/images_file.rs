#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| extraction::fuzzing::images_file(data));
