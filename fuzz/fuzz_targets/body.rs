//! See `wirespan_fuzz::http::body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::http::body(data));
