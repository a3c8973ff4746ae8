//! What is decoded, held to the official messages: encoded by prost and serde, read by us.

mod hostile;
mod requests;
mod rows;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use requests::{logs, metrics, span, traces};
use rows::Rows;
use wirespan_receiver::{DecodeError, Decoded, Encoding, Signal, decode, inflate, number, reply};

fn protobuf(signal: Signal, body: &[u8]) -> Decoded {
    decode(signal, Encoding::Protobuf, body).expect("valid protobuf")
}

fn json(signal: Signal, body: &[u8]) -> Decoded {
    decode(signal, Encoding::Json, body).expect("valid JSON")
}

#[test]
fn both_encodings_make_the_same_tables() {
    let traces = traces(&[span(1), span(2)]);
    let (metrics, logs) = (metrics(), logs());
    let bodies = [
        (Signal::Traces, traces.encode_to_vec(), serde_json::to_vec(&traces)),
        (Signal::Metrics, metrics.encode_to_vec(), serde_json::to_vec(&metrics)),
        (Signal::Logs, logs.encode_to_vec(), serde_json::to_vec(&logs)),
    ];
    for (signal, binary, text) in bodies {
        // The official JSON has null where it should have "NaN".
        let text = String::from_utf8(text.expect("encodes")).expect("UTF-8");
        let text = text.replace(r#""doubleValue":null"#, r#""doubleValue":"NaN""#);
        let (left, right) = (protobuf(signal, &binary), json(signal, text.as_bytes()));
        assert!(left.outcome.accepted > 0, "{signal:?}");
        assert_eq!(left.outcome, right.outcome, "{signal:?}");
        assert_eq!(left.records, right.records, "{signal:?}");
        assert_eq!(left.resources, right.resources, "{signal:?}");
    }
}

#[test]
fn a_span_keeps_everything_it_says() {
    let decoded = protobuf(Signal::Traces, &traces(&[span(1)]).encode_to_vec());
    let rows = Rows(&decoded.records);
    for (column, expected) in [
        ("trace_hi", "72623859790382856"),
        ("trace_lo", "1157442765409226768"),
        ("span_id", "1"),
        ("parent_id", "9"),
        ("start_ns", "1000000"),
        ("duration_ns", "500000"),
        ("service", "shop"),
        ("name", "GET /users/{id}"),
        ("kind", "2"),
        ("status", "2"),
        ("status_message", "broken"),
        ("is_request", "true"),
        ("method", "GET"),
        ("route", "/users/{id}"),
        ("path", "/users/7"),
        ("http_status", "500"),
        ("error_type", "ValueError"),
        ("end_reason", "completed"),
        ("queue_ns", "10"),
        ("write_ns", "null"),
        ("timeline", "queue=10,run=20"),
        ("scope", "wirespan@0.1"),
        ("trace_state", "a=b"),
        ("flags", "257"),
        ("dropped", r#"{"attributes":3,"links":4}"#),
        (
            "events",
            r#"[{"time_ns":1000001,"name":"exception","attributes":{"exception.type":"ValueError"}}]"#,
        ),
        (
            "links",
            concat!(
                r#"[{"trace_id":"0102030405060708090a0b0c0d0e0f10","span_id":"0000000000000007","#,
                r#""attributes":{"why":"retry"}}]"#
            ),
        ),
    ] {
        assert_eq!(rows.text(column, 0), expected, "{column}");
    }
    let attributes: serde_json::Value =
        serde_json::from_str(&rows.text("attributes", 0)).expect("attributes are JSON");
    assert_eq!(
        attributes,
        serde_json::json!({
            "http.request.method": "GET", "http.route": "/users/{id}", "url.path": "/users/7",
            "http.response.status_code": 500, "wirespan.end_reason": "completed",
            "wirespan.state.queue_ns": 10, "wirespan.state.timeline": "queue=10,run=20",
            "quoted \"\\\n\u{1}": "tab\t", "half": 0.5, "yes": true, "raw": "AQI=", "nan": "NaN",
            "list": [1, "two", null], "map": {"inner": {"deep": 1}}, "nothing": null,
        })
    );
}

#[test]
fn old_names_of_http_attributes_count_too() {
    let old = requests::span_with(&[
        ("http.method", "PUT"),
        ("http.url", "http://example.org:80/a/b?c=d#e"),
        ("http.status_code", "404"),
    ]);
    let decoded = protobuf(Signal::Traces, &traces(&[old]).encode_to_vec());
    let rows = Rows(&decoded.records);
    assert_eq!(rows.text("method", 0), "PUT");
    assert_eq!(rows.text("path", 0), "/a/b");
    assert_eq!(rows.text("http_status", 0), "404");
}

#[test]
fn bad_spans_are_rejected_and_the_others_kept() {
    let mut no_trace = span(1);
    no_trace.trace_id = vec![0; 16];
    let mut short = span(1);
    short.span_id = vec![1; 7];
    let mut parent = span(1);
    parent.parent_span_id = vec![1; 9];
    let mut no_start = span(1);
    no_start.start_time_unix_nano = 0;
    let mut late = span(1);
    late.start_time_unix_nano = u64::MAX;
    let decoded = protobuf(
        Signal::Traces,
        &traces(&[no_trace, span(1), short, parent, no_start, late]).encode_to_vec(),
    );
    assert_eq!((decoded.outcome.accepted, decoded.outcome.rejected), (1, 5));
    assert_eq!(decoded.records.num_rows(), 1);
    let reason = decoded.outcome.reason.expect("a reason");
    assert_eq!(reason, r#"span "GET /users/{id}" has a trace_id that is not 16 bytes, or all zero"#);
}

#[test]
fn a_span_without_end_takes_no_time() {
    let mut open = span(1);
    open.end_time_unix_nano = 0;
    let decoded = protobuf(Signal::Traces, &traces(&[open]).encode_to_vec());
    assert_eq!(Rows(&decoded.records).text("duration_ns", 0), "0");
}

#[test]
fn data_points_of_all_kinds_become_rows() {
    let decoded = protobuf(Signal::Metrics, &metrics().encode_to_vec());
    let rows = Rows(&decoded.records);
    let column = |name: &str| (0..rows.len()).map(|row| rows.text(name, row)).collect::<Vec<_>>();
    assert_eq!(column("kind"), ["gauge", "sum", "histogram", "exponential_histogram", "summary"]);
    assert_eq!(column("value"), ["1.5", "7.0", "null", "null", "null"]);
    assert_eq!(column("temporality"), ["null", "cumulative", "delta", "delta", "null"]);
    assert_eq!(column("monotonic"), ["null", "true", "null", "null", "null"]);
    assert_eq!(rows.text("bounds", 2), "[1.0, 5.0]");
    assert_eq!(rows.text("counts", 2), "[1, 2, 3]");
    // Scale 0 has base 2; negative bucket 0 is [-2, -1), positive ones from offset 1 are (2, 4] and (4, 8].
    assert_eq!(rows.text("bounds", 3), "[-2.0, -1.0, 2.0, 4.0, 8.0]");
    assert_eq!(rows.text("counts", 3), "[0, 4, 5, 6, 7, 0]");
    assert_eq!(rows.text("quantiles", 4), r#"[{"quantile":0.5,"value":3.0}]"#);
    assert_eq!(column("details")[..3], ["null", r#"{"asInt":"7"}"#, r#"{"flags":1}"#]);
    assert_eq!(
        rows.text("details", 3),
        concat!(
            r#"{"scale":0,"zeroCount":"5","zeroThreshold":0.5,"positive":{"offset":1,"bucketCounts":["6","7"]},"#,
            r#""negative":{"offset":0,"bucketCounts":["4"]}}"#
        )
    );
    let exemplar: serde_json::Value = serde_json::from_str(&rows.text("exemplars", 1)).expect("JSON");
    assert_eq!(exemplar[0]["trace_id"], "0102030405060708090a0b0c0d0e0f10");
}

#[test]
fn log_records_keep_their_span_and_body() {
    let decoded = protobuf(Signal::Logs, &logs().encode_to_vec());
    let rows = Rows(&decoded.records);
    assert_eq!(rows.text("body", 0), "something happened");
    assert_eq!(rows.text("span_id", 0), "1");
    assert_eq!(rows.text("severity", 0), "9");
    assert_eq!(rows.text("body", 1), r#"{"k":1}"#);
    assert_eq!(rows.text("trace_hi", 1), "null");
    assert_eq!(rows.text("time_ns", 1), "77", "observed time stands in for the missing one");
    assert_eq!((decoded.outcome.accepted, decoded.outcome.rejected), (2, 1));
}

#[test]
fn json_is_read_as_leniently_as_protobuf_wants_it() {
    let body = br#"{"unknown":{"x":[1]},"resourceSpans":[null,{"resource":null,"scopeSpans":[{"spans":[
        {"traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"0000000000000001","parentSpanId":"",
         "name":"a\u00e9","kind":2,"startTimeUnixNano":1000000,"endTimeUnixNano":"1.5e6","status":null,
         "attributes":[{"key":"n","value":{"intValue":"-5"}},{"key":"d","value":{"doubleValue":"-Infinity"}},
                       {"key":"e"}],"links":null,"newField":true}]}]}]}"#;
    let body = String::from_utf8_lossy(body).replace("\"1.5e6\"", "1.5e6");
    let body = body.replace("[null,", "[");
    let decoded = json(Signal::Traces, body.as_bytes());
    let rows = Rows(&decoded.records);
    assert_eq!(decoded.outcome.accepted, 1, "{:?}", decoded.outcome);
    assert_eq!(rows.text("trace_lo", 0), "651345242494996240");
    assert_eq!(rows.text("name", 0), "aé");
    assert_eq!(rows.text("duration_ns", 0), "500000");
    assert_eq!(rows.text("attributes", 0), r#"{"n":-5,"d":"-Infinity","e":null}"#);
    assert_eq!(rows.text("service", 0), "unknown_service");
    assert_eq!(rows.text("parent_id", 0), "null");
}

#[test]
fn wrong_types_are_malformed() {
    let cases: &[(Encoding, &[u8])] = &[
        (Encoding::Json, br#"{"resourceSpans":5}"#),
        (Encoding::Json, br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SERVER"}]}]}]}"#),
        (Encoding::Json, br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":7}]}]}]}"#),
        (Encoding::Json, br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":-1}]}]}]}"#),
        (Encoding::Json, b"[[[["),
        (Encoding::Json, b"\xff"),
        (Encoding::Json, b""),
        (Encoding::Protobuf, b"\x0a\x05ab"),
        (Encoding::Protobuf, b"\x08\x01"),
        (Encoding::Protobuf, b"\x00\x00"),
        (Encoding::Protobuf, b"\x0b"),
        (Encoding::Protobuf, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
    ];
    for (encoding, body) in cases {
        let refused = decode(Signal::Traces, *encoding, body);
        assert!(matches!(refused, Err(DecodeError::Malformed(_))), "{body:?}: {refused:?}");
    }
}

#[test]
fn an_empty_request_is_no_mistake() {
    for signal in [Signal::Traces, Signal::Metrics, Signal::Logs] {
        assert_eq!(protobuf(signal, b"").outcome.accepted, 0);
        assert_eq!(json(signal, b"{}").records.num_rows(), 0);
    }
}

#[test]
fn too_many_records_are_refused_before_they_take_memory() {
    // Empty spans in two bytes each: a decoder that makes objects would need hundreds of megabytes.
    let spans = b"\x12\x00".repeat(200_000);
    let body = requests::wrap(1, &requests::wrap(2, &spans));
    let refused = decode(Signal::Traces, Encoding::Protobuf, &body);
    assert!(matches!(refused, Err(DecodeError::TooLarge { what: "spans", .. })), "{refused:?}");
    let groups = b"\x0a\x00".repeat(20_000);
    assert!(matches!(
        decode(Signal::Traces, Encoding::Protobuf, &groups),
        Err(DecodeError::TooLarge { what: "resources and scopes", .. })
    ));
    let text =
        format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{}0]}}]}}]}}", "0,".repeat(200_000));
    assert!(matches!(
        decode(Signal::Traces, Encoding::Json, text.as_bytes()),
        Err(DecodeError::TooLarge { .. })
    ));
}

#[test]
fn long_texts_and_deep_values_are_cut() {
    let long = "é".repeat(100_000);
    let body = traces(&[requests::span_with(&[("long", &long), ("url.path", &long)])]).encode_to_vec();
    let decoded = protobuf(Signal::Traces, &body);
    let path = Rows(&decoded.records).text("path", 0);
    assert!(path.len() <= 65_536 && path.ends_with('…'));
    let deep = traces(&[requests::deep_span(200)]).encode_to_vec();
    let attributes = Rows(&protobuf(Signal::Traces, &deep).records).text("attributes", 0);
    assert_eq!(attributes, format!("{{\"deep\":{}null{}}}", "[".repeat(16), "]".repeat(16)));
    let text = format!("{}1{}", r#"{"arrayValue":{"values":["#.repeat(500), "]}}".repeat(500));
    let body =
        format!(r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{text}}}]}}}}]}}"#);
    assert!(matches!(
        decode(Signal::Traces, Encoding::Json, body.as_bytes()),
        Err(DecodeError::Malformed(_))
    ));
}

#[test]
fn attributes_over_the_bound_are_dropped_and_counted() {
    let names: Vec<String> = (0..1100).map(|index| format!("k{index}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let request = traces(&[requests::span_with(&pairs)]);
    for decoded in [
        protobuf(Signal::Traces, &request.encode_to_vec()),
        json(Signal::Traces, &serde_json::to_vec(&request).expect("encodes")),
    ] {
        assert_eq!(Rows(&decoded.records).text("dropped", 0), r#"{"attributes":76}"#);
    }
}

#[test]
fn records_are_numbered_in_order() {
    let decoded = protobuf(Signal::Traces, &traces(&[span(1), span(2)]).encode_to_vec());
    let numbered = number(&decoded.records, 41).expect("fits");
    assert_eq!((Rows(&numbered).text("seq", 0), Rows(&numbered).text("seq", 1)), ("41".into(), "42".into()));
    assert_eq!(numbered.num_columns(), decoded.records.num_columns() + 1);
}

#[test]
fn a_resource_that_is_sent_twice_is_one_row() {
    let mut request = traces(&[span(1)]);
    request.resource_spans.push(request.resource_spans[0].clone());
    let decoded = protobuf(Signal::Traces, &request.encode_to_vec());
    assert_eq!(decoded.resources.num_rows(), 1);
    assert_eq!(decoded.source_ids.len(), 1);
    assert_eq!(
        Rows(&decoded.resources).text("attributes", 0),
        r#"{"service.name":"shop","host.name":"web"}"#
    );
}

#[test]
fn gzip_is_undone_within_a_bound() {
    use std::io::Write as _;
    let pack = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("into memory");
        encoder.finish().expect("into memory")
    };
    assert_eq!(inflate(&pack(b"hello"), 5).expect("fits"), b"hello");
    assert!(matches!(inflate(&pack(b"hello!"), 5), Err(DecodeError::TooLarge { allowed: 5, .. })));
    assert!(matches!(inflate(&pack(&vec![0; 10_000_000]), 1000), Err(DecodeError::TooLarge { .. })));
    assert!(matches!(inflate(b"not gzip", 1000), Err(DecodeError::Malformed(_))));
    let mut cut = pack(b"hello");
    cut.truncate(cut.len() - 4);
    assert!(matches!(inflate(&cut, 1000), Err(DecodeError::Malformed(_))));
}

#[test]
fn answers_are_the_official_messages() {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
    let mut bad = span(1);
    bad.trace_id = Vec::new();
    let outcome = protobuf(Signal::Traces, &traces(&[bad]).encode_to_vec()).outcome;
    let answer = reply::success(Signal::Traces, Encoding::Protobuf, &outcome);
    let read = ExportTraceServiceResponse::decode(answer.as_slice()).expect("decodes");
    let text = reply::success(Signal::Traces, Encoding::Json, &outcome);
    let partial = read.partial_success.expect("a partial success");
    assert_eq!((partial.rejected_spans, Some(partial.error_message)), (1, outcome.reason));
    let value: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(value["partialSuccess"]["rejectedSpans"], "1");
    let whole = protobuf(Signal::Traces, &ExportTraceServiceRequest::default().encode_to_vec()).outcome;
    assert_eq!(reply::success(Signal::Traces, Encoding::Protobuf, &whole), b"");
    assert_eq!(reply::success(Signal::Traces, Encoding::Json, &whole), b"{}");
    assert_eq!(reply::failure(Encoding::Json, 3, "a \"b\""), br#"{"code":3,"message":"a \"b\""}"#);
    assert_eq!(reply::failure(Encoding::Protobuf, 3, "ab"), b"\x08\x03\x12\x02ab");
}
