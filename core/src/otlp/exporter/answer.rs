//! What a receiver's answer means: the rules of OTLP/HTTP, "OTLP/HTTP Response". Everything in an answer is hostile:
//! bounded, and cleaned before it reaches a log.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::operations::Ending;
use crate::otlp::encode::Encoding;
use crate::otlp::encode::wire::{Field, Reader};

/// Letters of a receiver's message that we keep.
const MESSAGE: usize = 300;
/// A receiver cannot silence us for longer by `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Done, except for `rejected` spans, which must not be sent again.
    Accepted {
        /// Spans that the receiver did not want.
        rejected: u64,
        /// What it has to say about that.
        note: Option<String>,
    },
    /// Try again later.
    Retry {
        /// Not before this time.
        after: Option<Duration>,
        /// The receiver answered, it is only busy.
        is_alive: bool,
        /// What went wrong.
        why: String,
    },
    /// Try again with less.
    TooLarge {
        /// What the receiver said.
        why: String,
    },
    /// Never try this batch again.
    Refused {
        /// What the receiver said.
        why: String,
    },
}

/// An answer, and what is counted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) answer: Answer,
    /// How the try ended.
    pub(super) ending: Ending,
}

impl Response {
    pub(super) const fn of_status(answer: Answer, status: u16) -> Self {
        let ending = match answer {
            Answer::Accepted { rejected: 0, .. } => Ending::Done(Some(status)),
            Answer::Accepted { .. } => Ending::Failed(Some(status), "rejected"),
            _ => Ending::Status(status),
        };
        Self { answer, ending }
    }

    /// There was none, for a reason in the conventions' words.
    pub(super) const fn missing(why: String, reason: &'static str) -> Self {
        Self { answer: Answer::unreachable(why), ending: Ending::Failed(None, reason) }
    }
}

impl Answer {
    /// No answer: "the client SHOULD retry" also when the connection could not be made or ended early.
    pub(super) const fn unreachable(why: String) -> Self {
        Self::Retry { after: None, is_alive: false, why }
    }
}

/// Judges an answer by its status. `body` is `None` if it could not be read; a success stays one then, for what was
/// accepted must not be sent twice.
pub(super) fn judge(
    status: StatusCode,
    retry_after: Option<&str>,
    encoding: Encoding,
    body: Option<&[u8]>,
) -> Answer {
    if status.is_success() {
        return accepted(encoding, body);
    }
    let why = match body.and_then(|body| message(encoding, body)) {
        Some(message) => format!("HTTP {}: {message}", status.as_u16()),
        None => format!("HTTP {}", status.as_u16()),
    };
    match status.as_u16() {
        429 | 502 | 503 | 504 => {
            let after = retry_after.and_then(|value| parse_retry_after(value, SystemTime::now()));
            Answer::Retry { after, is_alive: true, why }
        }
        // No rule of OTLP, but what proxies with a bound for bodies say.
        413 => Answer::TooLarge { why },
        300..=399 => {
            Answer::Refused { why: format!("{why}, redirects are not followed: check the endpoint") }
        }
        401 | 403 => Answer::Refused { why: format!("{why}, check the key in OTEL_EXPORTER_OTLP_HEADERS") },
        404 | 405 => Answer::Refused { why: format!("{why}, check the path of the endpoint") },
        _ => Answer::Refused { why },
    }
}

/// Seconds or a date (RFC 9110 section 10.2.3). What is neither counts as not sent.
fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has room for is a long time too.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

/// A success, perhaps a partial one. A body that cannot be understood does not undo it, but somebody should know.
fn accepted(encoding: Encoding, body: Option<&[u8]>) -> Answer {
    let Some(body) = body else {
        let note = "success, but the rest of the answer did not come";
        return Answer::Accepted { rejected: 0, note: Some(note.to_owned()) };
    };
    let partial = match encoding {
        Encoding::Protobuf => partial_success(body),
        Encoding::Json => json_partial_success(body),
    };
    let (rejected, text) = partial.unwrap_or_else(|| {
        let text =
            "success, but the answer is no ExportTraceServiceResponse: is the endpoint an OTLP receiver?";
        (0, text.to_owned())
    });
    Answer::Accepted { rejected, note: Some(text).filter(|text| !text.is_empty()) }
}

/// `ExportTraceServiceResponse.partial_success`: rejected spans and a message.
fn partial_success(body: &[u8]) -> Option<(u64, String)> {
    let (mut rejected, mut text) = (0, String::new());
    let mut response = Reader::new(body);
    for field in response.by_ref() {
        let (1, Field::Bytes(partial)) = field else { continue };
        let mut partial = Reader::new(partial);
        for field in partial.by_ref() {
            match field {
                (1, Field::Number(count)) => rejected = u64::try_from(count.cast_signed()).unwrap_or(0),
                (2, Field::Bytes(message)) => text = clean(message),
                _ => {}
            }
        }
        partial.is_ok().then_some(())?;
    }
    response.is_ok().then_some((rejected, text))
}

fn json_partial_success(body: &[u8]) -> Option<(u64, String)> {
    if body.is_empty() {
        return Some((0, String::new()));
    }
    let response: serde_json::Value = serde_json::from_slice(body).ok()?;
    let partial = response.as_object()?.get("partialSuccess").unwrap_or(&serde_json::Value::Null);
    // The JSON rules make 64-bit numbers strings; some receivers send numbers.
    let count = ["rejectedSpans", "rejectedDataPoints"].map(|name| &partial[name]);
    let count = count.into_iter().find(|count| !count.is_null()).unwrap_or(&serde_json::Value::Null);
    let rejected = count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap_or(0);
    Some((rejected, clean(partial["errorMessage"].as_str().unwrap_or_default().as_bytes())))
}

/// `google.rpc.Status.message` of a failure, or the text that a proxy sent instead.
fn message(encoding: Encoding, body: &[u8]) -> Option<String> {
    let known = match encoding {
        Encoding::Protobuf => status_message(body),
        Encoding::Json => serde_json::from_slice::<serde_json::Value>(body)
            .ok()
            .and_then(|status| Some(clean(status.get("message")?.as_str()?.as_bytes()))),
    };
    known.or_else(|| Some(clean(body))).filter(|text| !text.is_empty())
}

fn status_message(body: &[u8]) -> Option<String> {
    let mut status = Reader::new(body);
    let message = status.by_ref().find_map(|field| match field {
        (2, Field::Bytes(message)) => Some(clean(message)),
        _ => None,
    });
    message.filter(|_| status.is_ok())
}

/// Text from the network that may stand in a log line.
fn clean(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let plain = text.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    plain.take(MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn judge_status(status: u16, body: &[u8]) -> Answer {
        judge(StatusCode::from_u16(status).unwrap(), None, Encoding::Protobuf, Some(body))
    }

    #[test]
    fn only_four_statuses_are_tried_again() {
        for status in 300..600 {
            let is_retry = matches!(judge_status(status, b""), Answer::Retry { is_alive: true, .. });
            assert_eq!(is_retry, [429, 502, 503, 504].contains(&status), "{status}");
        }
        for status in 200..300 {
            assert_eq!(judge_status(status, b""), Answer::Accepted { rejected: 0, note: None });
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for (value, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(300)),
            ("Sun, 09 Sep 2001 01:46:50 GMT", Some(10)),
            ("Sun, 09 Sep 2001 01:46:30 GMT", Some(0)),
            ("Mon, 09 Sep 2030 01:46:30 GMT", Some(300)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn partial_success_is_read_in_both_encodings() {
        let accepted = |rejected, note: &str| Answer::Accepted { rejected, note: Some(note.to_owned()) };
        let body = b"\x0a\x08\x08\x03\x12\x04no\nw";
        assert_eq!(judge_status(200, body), accepted(3, "no w"));
        // A negative count, as a 64-bit varint.
        let body = b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(judge_status(200, body), Answer::Accepted { rejected: 0, note: None });
        let counts = [("rejectedSpans", "\"3\""), ("rejectedSpans", "3"), ("rejectedDataPoints", "\"3\"")];
        for (name, count) in counts {
            let body = format!("{{\"partialSuccess\":{{\"{name}\":{count},\"errorMessage\":\"now\"}}}}");
            let answer = judge(StatusCode::OK, None, Encoding::Json, Some(body.as_bytes()));
            assert_eq!(answer, accepted(3, "now"));
        }
        for body in ["{}", "", "{\"partialSuccess\":null}", "{\"partialSuccess\":7}"] {
            let answer = judge(StatusCode::OK, None, Encoding::Json, Some(body.as_bytes()));
            assert_eq!(answer, Answer::Accepted { rejected: 0, note: None });
        }
    }

    #[test]
    fn a_success_stays_one_whatever_comes_with_it() {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            for body in [Some(&b"<html>hello"[..]), Some(&[0xff; 50]), None] {
                let answer = judge(StatusCode::OK, None, encoding, body);
                assert!(matches!(answer, Answer::Accepted { rejected: 0, note: Some(_) }), "{answer:?}");
            }
        }
    }

    #[test]
    fn a_refusal_says_what_to_check() {
        for (status, check) in [
            (401, ", check the key in OTEL_EXPORTER_OTLP_HEADERS"),
            (403, ", check the key in OTEL_EXPORTER_OTLP_HEADERS"),
            (404, ", check the path of the endpoint"),
            (400, ""),
        ] {
            let Answer::Refused { why } = judge_status(status, b"") else { panic!("refused") };
            assert_eq!(why, format!("HTTP {status}{check}"));
        }
    }

    #[test]
    fn what_a_receiver_says_is_cleaned_and_cut() {
        let Answer::Refused { why } = judge_status(400, b"\x12\x05bad\n!") else { panic!("refused") };
        assert_eq!(why, "HTTP 400: bad !");
        let Answer::Refused { why } = judge_status(400, &[b'<'; 10_000]) else { panic!("refused") };
        assert_eq!(why.len(), "HTTP 400: ".len() + MESSAGE);
    }
}
