//! The HTTP layer: nothing is read beyond the input, and there is one verdict and one result however the bytes are
//! split.

mod body;
mod head;
mod response;

pub use body::body;
pub use head::head;
pub use response::response;

use wirespan_core::config::ServerConfig;
use wirespan_core::error::Error;

/// Bounds that short inputs reach.
fn tight_config() -> ServerConfig {
    ServerConfig {
        limit_head_bytes: 1_024,
        limit_target_bytes: 64,
        limit_header_count: 8,
        limit_body_bytes: 256,
        limit_trailer_bytes: 32,
        ..ServerConfig::default()
    }
}

/// What the peer is told, and why.
type Verdict = (Option<u16>, &'static str);

fn verdict(error: &Error) -> Verdict {
    (error.status(), error.what())
}

/// Where each of several ways to split `data` has its cuts: whole, each byte alone, and as the data itself says.
fn splits(data: &[u8]) -> [Vec<usize>; 3] {
    let uneven = data.iter().scan(0, |at, byte| {
        *at += usize::from(byte % 13) + 1;
        (*at < data.len()).then_some(*at)
    });
    let end = || std::iter::once(data.len());
    [end().collect(), (1..=data.len()).collect(), uneven.chain(end()).collect()]
}
