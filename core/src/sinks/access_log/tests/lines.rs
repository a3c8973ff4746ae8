//! Tables of lines, and lines of hostile bytes.

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

use super::super::Options;
use super::super::field::FIELDS;
use super::super::format::Format;
use super::{exchange, plain_request, record, request};
use crate::exchange::Exchange;
use crate::message::{ResponseFields, ResponseHead};
use crate::trace::{EndReason, ErrorNote, Level, Record, SpanContext, TraceContext};

fn line(format: &str, color: bool, exchange: &Exchange) -> String {
    line_of(&Options { format: format.into(), color, ..Options::default() }, exchange)
}

fn line_of(options: &Options, exchange: &Exchange) -> String {
    let mut out = Vec::new();
    Format::parse(options, TimeZone::UTC).unwrap().write(exchange, &mut out);
    let line = String::from_utf8(out).unwrap();
    assert_eq!(line.matches('\n').count(), 1, "{line:?}");
    line.strip_suffix('\n').unwrap().to_owned()
}

fn failed() -> Record {
    let mut record = Record::new(Level::Base);
    record.begin(1_000_000, None);
    record.close(3_000_000_000, EndReason::HandlerError);
    record.error = Some(Box::new(ErrorNote::new("ValueError", "no \u{1b}[31m\nway")));
    record.background_ns = 2_000;
    record
}

/// A failure of a request whose head was never complete, in a trace.
fn cut_off() -> Arc<Exchange> {
    let exchange = exchange(None, failed());
    let (trace_id, span_id) = (*b"0123456789abcdef", [0xff; 8]);
    exchange.set_context(TraceContext::new(SpanContext { trace_id, span_id, ..SpanContext::default() }));
    exchange
}

#[test]
fn json_holds_every_fact() {
    let got: Value =
        serde_json::from_str(&line("json", false, &exchange(Some(plain_request()), record()))).unwrap();
    let expected = json!({
        "time": "2026-03-01T09:05:07.000123Z", "method": "GET", "path": "/orders/17", "query": "full=1",
        "route": "/orders/{id}", "status": 200, "protocol": "HTTP/1.1", "client": "192.0.2.7:50312",
        "end_reason": "completed", "error": null, "duration_us": 10_000, "ttfb_us": 9_500,
        "states_us": {"queue": 1_000, "read": 0, "schedule": 500, "run": 2_000, "await": 6_000, "write": 500},
        "recv_size": 120, "send_size": 345,
        "connection": {"request_number": 3, "idle_us": 5_000, "age_us": 70_000},
        "trace_id": null, "span_id": null,
    });
    assert_eq!(got, expected);
}

#[test]
fn json_of_a_failure_without_a_head() {
    let got: Value = serde_json::from_str(&line("json", false, &cut_off())).unwrap();
    for key in ["method", "path", "query", "route", "status", "protocol", "ttfb_us"] {
        assert_eq!(got[key], Value::Null, "{key}");
    }
    assert_eq!(got["error"], json!({"kind": "ValueError", "message": "no \u{1b}[31m\nway"}));
    assert_eq!(got["background_us"], 2);
    assert_eq!(got["trace_id"], "30313233343536373839616263646566");
    assert_eq!(got["span_id"], "ffffffffffffffff");
}

#[test]
fn fields_are_written_in_the_order_of_the_table() {
    let line = line("json", false, &cut_off());
    let mut rest = line.as_str();
    for (name, meaning) in FIELDS {
        let at = rest.find(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name} is not written"));
        rest = &rest[at..];
        assert!(!meaning.is_empty(), "{name}");
    }
    let written: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(written.as_object().unwrap().len(), FIELDS.len());
}

#[test]
fn states_sum_to_the_duration_however_they_are_rounded() {
    let mut record = Record::new(Level::Base);
    record.begin(1_000, Some(301));
    for (i, (state, _)) in crate::trace::State::ALL.into_iter().enumerate() {
        record.enter(state, 1_700 + 777 * i as u64);
    }
    record.close(9_999, EndReason::Completed);
    let got: Value = serde_json::from_str(&line("json", false, &exchange(None, record))).unwrap();
    let sum: u64 = got["states_us"].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
    assert_eq!(sum, got["duration_us"].as_u64().unwrap());
}

#[test]
fn an_exchange_that_was_not_traced_still_has_its_line() {
    let mut record = Record::new(Level::Disabled);
    record.close(5, EndReason::Completed);
    let exchange = exchange(Some(plain_request()), record);
    let got: Value = serde_json::from_str(&line("json", false, &exchange)).unwrap();
    assert_eq!((&got["duration_us"], &got["states_us"]), (&Value::Null, &Value::Null));
    let year =
        got["time"].as_str().and_then(|time| time.split('-').next()).and_then(|year| year.parse().ok());
    assert!(year > Some(2024_u32), "the time of writing");
    assert_eq!(line("%(D)s %(T)s %(L)s", false, &exchange), "- - -");
    assert!(line("pretty", false, &exchange).ends_with("  -      -"));
}

#[test]
fn combined_and_atoms() {
    let done = exchange(Some(plain_request()), record());
    let cut_off = cut_off();
    let mut fields = ResponseFields::default();
    fields.add(b"Content-Type", b"text/plain").unwrap();
    done.lock().reply.head = Some(ResponseHead { status: 200, fields });
    let pid = format!("<{}>", std::process::id());
    for (format, expected, expected_cut_off) in [
        (
            "combined",
            r#"192.0.2.7 - ann\x20b [01/Mar/2026:09:05:07 +0000] "GET /orders/17?full=1 HTTP/1.1" 200 200 "https://example.org/shop" "Mozilla/5.0 (X11; Linux x86_64)""#,
            r#"192.0.2.7 - - [01/Jan/1970:00:00:00 +0000] "-" - 0 "-" "-""#,
        ),
        ("%(m)s %(U)s %(q)s %(H)s", "GET /orders/17 full=1 HTTP/1.1", "- - - -"),
        ("%(l)s %(b)s %(B)s %(s)s", "- 200 200 200", "- - 0 -"),
        ("%(T)s %(M)s %(D)s %(L)s", "0 10 10000 0.010000", "2 2999 2999000 2.999000"),
        ("%(p)s%%", &format!("{pid}%"), &format!("{pid}%")),
        ("%({Host}i)s %({x-none}i)s", "example.org -", "- -"),
        ("%({content-type}o)s %({etag}o)s", "text/plain -", "- -"),
        ("%({WIRESPAN_NOT_SET}e)s", "-", "-"),
        (
            "%({end_reason}x)s %({route}x)s %({states_us.queue}x)s %({ttfb_us}x)s",
            "completed /orders/{id} 1000 9500",
            "handler_error - 0 -",
        ),
        (
            "%({error.message}x)s %({span_id}x)s %({client}x)s %({background_us}x)s",
            "- - 192.0.2.7:50312 -",
            r"no \x1B[31m\x0Away ffffffffffffffff 192.0.2.7:50312 2",
        ),
    ] {
        assert_eq!(line(format, false, &done), expected, "{format}");
        assert_eq!(line(format, false, &cut_off), expected_cut_off, "{format}");
    }
}

#[test]
fn pretty_without_colour_is_ascii() {
    let done = line("pretty", false, &exchange(Some(plain_request()), record()));
    assert_eq!(
        done,
        "09:05:07.000 GET     /orders/17?full=1                    200 10.0ms  qqs####............w await 60% run 20%"
    );
    let long = request(b"PROPFIND", &[b'/'; 100], b"", &[]);
    let cut = line("pretty", false, &exchange(Some(long), failed()));
    assert!(cut.starts_with(&format!("00:00:00.001 PROPFI~ {}~   -  2.99s  rrrr", "/".repeat(35))), "{cut}");
    assert!(cut.ends_with("r read 100%  handler_error ValueError"), "{cut}");
}

#[test]
fn pretty_in_colour_has_the_same_columns() {
    let exchange = exchange(Some(plain_request()), record());
    let colored = line("pretty", true, &exchange);
    assert!(colored.contains("\x1b[31m██\x1b[0m\x1b[33m█\x1b[0m\x1b[32m████\x1b[0m"), "{colored}");
    let mut bare = String::new();
    for (i, part) in colored.split('\x1b').enumerate() {
        bare.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(bare.chars().count(), line("pretty", false, &exchange).chars().count());
}

fn pretty_in(columns: usize, exchange: &Exchange) -> String {
    let columns = Some(columns);
    line_of(&Options { format: "pretty".into(), columns, ..Options::default() }, exchange)
}

#[test]
fn pretty_fits_its_terminal() {
    let done = exchange(Some(plain_request()), record());
    for (columns, expected) in [
        (80, "09:05:07 GET    /orders/17?full=1    200 10.0ms  qs#....w await 60% run 20%"),
        (
            100,
            "09:05:07 GET    /orders/17?full=1                  200 10.0ms  qs###........w await 60% run 20%",
        ),
        (
            140,
            "09:05:07.000 GET     /orders/17?full=1                          200 10.0ms  qqs####............w await 60% run 20%",
        ),
    ] {
        assert_eq!(pretty_in(columns, &done), expected);
    }
    let long = request(b"PROPFIND", &[b'/'; 100], b"", &[]);
    let mut gone = record();
    gone.end_reason = Some(EndReason::ClientDisconnected);
    let mut named = failed();
    named.error = Some(Box::new(ErrorNote::new("E".repeat(100), "")));
    for exchange in [done, exchange(Some(long), failed()), exchange(None, gone), exchange(None, named)] {
        for columns in 64..200 {
            let line = pretty_in(columns, &exchange);
            assert!(line.len() <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn the_end_of_an_exchange_comes_before_its_shares() {
    let mut gone = record();
    gone.end_reason = Some(EndReason::ClientDisconnected);
    let gone = exchange(None, gone);
    assert!(pretty_in(80, &gone).ends_with("w  client_disconnected"), "{}", pretty_in(80, &gone));
    assert!(pretty_in(140, &gone).ends_with("w await 60% run 20%  client_disconnected"));
    let failed = cut_off();
    assert!(pretty_in(80, &failed).ends_with("r read 100% ValueError"), "{}", pretty_in(80, &failed));
}

/// A small generator of bytes that are likely to break something (xorshift64).
struct Bytes(u64);

impl Bytes {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn next(&mut self) -> Vec<u8> {
        const HOSTILE: [&[u8]; 12] = [
            b"\r\n",
            b"\"",
            b"\\",
            b"\x1b[2J",
            "\u{2028}".as_bytes(),
            "\u{9b}".as_bytes(),
            "é日🦀".as_bytes(),
            b"\xff\xc0",
            b"\0",
            b"\xed\xa0\x80",
            b"\xe2\x80",
            b"%(h)s",
        ];
        let mut bytes = Vec::new();
        for _ in 0..self.number() % 12 {
            match self.number() % 3 {
                0 => bytes.push(self.number().to_le_bytes()[0]),
                1 => bytes.extend_from_slice(HOSTILE[(self.number() % 12) as usize]),
                _ => bytes.extend_from_slice(b"/abc"),
            }
        }
        bytes
    }
}

/// What the table says of bytes that are not UTF-8.
fn as_logged(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            _ = write!(text, "\\x{byte:02X}"); // a String takes everything
        }
    }
    text
}

fn is_plain(line: &str) -> bool {
    !line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}'))
}

#[test]
fn no_bytes_break_a_line() {
    let mut bytes = Bytes(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2_000 {
        let (path, query, agent) = (bytes.next(), bytes.next(), bytes.next());
        let message = String::from_utf8_lossy(&bytes.next()).into_owned();
        let fields: [(&[u8], &[u8]); 2] = [(b"user-agent", &agent), (b"authorization", &agent)];
        let mut record = record();
        record.error = Some(Box::new(ErrorNote::new(message.clone(), message.clone())));
        let exchange = exchange(Some(request(&path, &path, &query, &fields)), record);
        let json = line("json", false, &exchange);
        assert!(is_plain(&json), "{json:?}");
        let got: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(got["path"], as_logged(&path));
        assert_eq!(got["query"], as_logged(&query));
        assert_eq!(got["error"]["message"], message);
        for format in ["combined", "pretty", r#"%(u)s "%({error.message}x)s" %(m)s"#] {
            let text = line(format, false, &exchange);
            assert!(text.bytes().all(|b| (b' '..0x7f).contains(&b)), "{text:?}");
        }
    }
}

#[test]
fn a_long_message_is_cut_between_characters() {
    let mut record = failed();
    record.error = Some(Box::new(ErrorNote::new("E", "日".repeat(1_000))));
    let got: Value = serde_json::from_str(&line("json", false, &exchange(None, record))).unwrap();
    assert_eq!(got["error"]["message"], "日".repeat(682));
}
