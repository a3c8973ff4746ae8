//! See `wirespan_fuzz::head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::head(data));
