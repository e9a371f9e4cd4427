#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| intnacl_fuzz::c_border(data));
