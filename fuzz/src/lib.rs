//! What must hold for every input: no panic, and what each check says. A check takes any bytes and panics where it
//! fails. The same checks run on generated input with stable Rust as part of `cargo test`.

pub mod http;
pub mod otlp;
pub mod propagation;
