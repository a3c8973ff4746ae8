//! Any bytes, and real bodies with some bytes changed: a result or an error, never a panic.

use proptest::prelude::*;
use prost::Message as _;
use wirespan_receiver::{Decoded, Encoding, Signal, decode, inflate, number};

use crate::requests::{logs, metrics, span, traces};

const SIGNALS: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

fn real(encoding: Encoding) -> Vec<Vec<u8>> {
    let (traces, metrics, logs) = (traces(&[span(1), span(2)]), metrics(), logs());
    match encoding {
        Encoding::Protobuf => vec![traces.encode_to_vec(), metrics.encode_to_vec(), logs.encode_to_vec()],
        Encoding::Json => {
            [serde_json::to_vec(&traces), serde_json::to_vec(&metrics), serde_json::to_vec(&logs)]
                .into_iter()
                .map(|text| text.expect("encodes"))
                .collect()
        }
    }
}

fn check(decoded: &Decoded) {
    assert_eq!(decoded.records.num_rows(), decoded.outcome.accepted);
    assert_eq!(decoded.outcome.reason.is_some(), decoded.outcome.rejected > 0);
    assert_eq!(
        number(&decoded.records, i64::MAX).map(|table| table.num_rows()).ok(),
        Some(decoded.outcome.accepted)
    );
    let column = decoded.records.column_by_name("attributes").expect("all tables have it");
    let texts = arrow_array::cast::AsArray::as_string::<i32>(column);
    for text in texts.iter().flatten() {
        assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "not JSON: {text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        for signal in SIGNALS {
            for encoding in [Encoding::Protobuf, Encoding::Json] {
                if let Ok(decoded) = decode(signal, encoding, &body) {
                    check(&decoded);
                }
            }
        }
        _ = inflate(&body, 1000);
    }

    #[test]
    fn changed_bodies_are_survived(
        which in 0..3usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<proptest::sample::Index>(),
        is_cut in any::<bool>(),
        is_json in any::<bool>(),
    ) {
        let encoding = if is_json { Encoding::Json } else { Encoding::Protobuf };
        let mut body = real(encoding).swap_remove(which);
        for (index, byte) in &changes {
            let place = index.index(body.len());
            body[place] = *byte;
        }
        if is_cut {
            body.truncate(cut.index(body.len()));
        }
        if let Ok(decoded) = decode(SIGNALS[which], encoding, &body) {
            check(&decoded);
        }
    }
}
