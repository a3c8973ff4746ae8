//! See `wirespan_fuzz::otlp::protobuf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::otlp::protobuf(data));
