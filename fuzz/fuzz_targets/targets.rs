#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| images_list::fuzzing::targets(data));
