#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| image_name::fuzzing::references(data));
