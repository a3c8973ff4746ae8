//! See `wirespan_fuzz::propagation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirespan_fuzz::propagation::propagation(data));
