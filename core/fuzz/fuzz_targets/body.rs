//! See `wirespan_fuzz::body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::body(data));
