//! See `wirespan_fuzz::otlp::gzip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::otlp::gzip(data));
