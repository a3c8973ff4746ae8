//! See `wirespan_fuzz::otlp::json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::otlp::json(data));
