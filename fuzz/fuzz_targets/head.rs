//! See `wirespan_fuzz::http::head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::http::head(data));
