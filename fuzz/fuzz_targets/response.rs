//! See `wirespan_fuzz::http::response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::http::response(data));
