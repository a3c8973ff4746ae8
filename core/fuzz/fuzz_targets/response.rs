//! See `wirespan_fuzz::response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::response(data));
