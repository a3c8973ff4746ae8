//! Request bodies.

use bytes::Bytes;
use wirespan_core::config::ServerConfig;
use wirespan_core::h1::{BodyDecoder, BodyFrame};
use wirespan_core::message::{BodyLength, Field};
use wirespan_core::output::Output;

use super::{Verdict, splits, tight_config, verdict};

#[derive(Debug, PartialEq)]
struct Decoded {
    body: Vec<u8>,
    /// How much was used and whether that was all, or why it was refused.
    end: Result<(usize, bool), Verdict>,
    trailers: Vec<Field>,
}

/// Bodies: the same bytes, trailers and verdict for any split and any room. The first byte says how long the body is,
/// or with 255 that it comes in chunks.
///
/// # Panics
/// Where that does not hold.
pub fn body(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let length = if *first == 255 { BodyLength::Chunked } else { BodyLength::Known(u64::from(*first)) };
    for config in [tight_config(), ServerConfig::default()] {
        let [whole, others @ ..] = splits(data).map(|cuts| decode(length, data, &cuts, usize::MAX, &config));
        let little_room = splits(data).map(|cuts| decode(length, data, &cuts, 3, &config));
        for other in others.iter().chain(&little_room) {
            assert_eq!(*other, whole);
        }
        if let (BodyLength::Known(length), Ok((used, done))) = (length, whole.end) {
            assert_eq!((used as u64, done), (length.min(data.len() as u64), length <= data.len() as u64));
        }
        assert!(whole.body.len() as u64 <= config.limit_body_bytes);
        check_round_trip(whole.body);
    }
}

fn decode(length: BodyLength, data: &[u8], cuts: &[usize], room: usize, config: &ServerConfig) -> Decoded {
    let mut decoder = BodyDecoder::new(length, config).expect("the length is below the bounds");
    let (mut body, mut used) = (Vec::new(), 0);
    for cut in cuts {
        loop {
            let mut taken = 0;
            let result = decoder.decode(&data[used..*cut], room, &mut |run| {
                assert!(!run.is_empty());
                taken += run.len();
                body.extend_from_slice(run);
            });
            match result {
                Ok(n) => used += n,
                Err(e) => {
                    return Decoded { body, end: Err(verdict(&e)), trailers: decoder.trailers().to_vec() };
                }
            }
            assert!(taken <= room && used <= *cut);
            if taken < room {
                break;
            }
        }
        assert!(decoder.is_done() || used == *cut, "what is not the body's end is taken");
    }
    Decoded { body, end: Ok((used, decoder.is_done())), trailers: decoder.trailers().to_vec() }
}

/// What our encoder writes in chunks, our decoder reads.
fn check_round_trip(body: Vec<u8>) {
    let mut output = Output::default();
    let mut frame = BodyFrame::Chunked;
    let (first, second) = body.split_at(body.len() / 2);
    for (piece, last) in [(first, false), (second, true)] {
        frame.encode(&mut output, Bytes::copy_from_slice(piece), last).expect("chunks take any piece");
    }
    let sent = super::response::sent(&mut output);
    let again = decode(BodyLength::Chunked, &sent, &[sent.len()], usize::MAX, &ServerConfig::default());
    assert_eq!(again, Decoded { body, end: Ok((sent.len(), true)), trailers: Vec::new() });
}
