#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fleuve_fuzz::frames(data));
