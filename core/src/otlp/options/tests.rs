//! The environment table, value by value.

use std::collections::HashMap;
use std::time::Duration;

use super::{OptionError, Options, Signal, VARIABLES};
use crate::otlp::encode::Encoding;

fn read(variables: &[(&str, &str)]) -> Result<(Options, Vec<String>), OptionError> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Options::from_env(Signal::Traces, |name| variables.get(name).map(ToString::to_string))
}

fn options(variables: &[(&str, &str)]) -> Options {
    let (options, warnings) = read(variables).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    options.check().unwrap();
    options
}

fn warning(name: &str, value: &str) -> String {
    let (options, warnings) = read(&[(name, value)]).unwrap();
    assert_eq!(options, Options::new(Signal::Traces), "the default stays");
    warnings.join("; ")
}

#[test]
fn nothing_set_or_set_to_nothing_gives_the_defaults() {
    let empty: Vec<_> = VARIABLES.iter().map(|variable| (variable.name, " ")).collect();
    for variables in [&[][..], &empty] {
        assert_eq!(options(variables), Options::new(Signal::Traces));
    }
    // The defaults that the table tells are the ones in force.
    let defaults: Vec<_> =
        VARIABLES.iter().map(|variable| (variable.name.replace('*', ""), variable.default)).collect();
    let defaults: Vec<_> = defaults.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(options(&defaults), Options::new(Signal::Traces));
}

#[test]
fn endpoints_follow_the_rules_for_base_and_signal() {
    let general = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    for (variables, endpoint) in [
        (&[(general, "http://a:1")][..], "http://a:1/v1/traces"),
        (&[(general, "http://a:1/")], "http://a:1/v1/traces"),
        (&[(general, "https://a/base/")], "https://a/base/v1/traces"),
        (&[(own, "http://a:1/mine")], "http://a:1/mine"),
        (&[(own, "http://a:1/mine/")], "http://a:1/mine/"),
        (&[(own, "http://a:1")], "http://a:1/"),
        (&[(general, "http://a:1"), (own, "http://b:2/x")], "http://b:2/x"),
        (
            &[(general, "http://a:1"), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://b")],
            "http://a:1/v1/traces",
        ),
        (&[(general, "http://[::1]:4318")], "http://[::1]:4318/v1/traces"),
    ] {
        assert_eq!(options(variables).endpoint, endpoint, "{variables:?}");
    }
    for wrong in
        ["localhost:4318", "grpc://a:4317", "http://", "a b", "/v1/traces", "http://a:65536", "http://a:0"]
    {
        let error = read(&[(general, wrong)]).unwrap_err().to_string();
        assert!(error.contains(general) && error.contains("http://localhost:4318"), "{error}");
    }
}

#[test]
fn every_variable_has_its_option_and_the_signals_own_wins() {
    let all = options(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1500"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/crt"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "2"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
    ]);
    assert_eq!(
        (all.encoding, all.is_gzip, all.timeout),
        (Encoding::Json, true, Duration::from_millis(1_500))
    );
    let files = [all.tls.certificate, all.tls.client_certificate, all.tls.client_key];
    assert_eq!(files.map(|file| file.unwrap().display().to_string()), ["/ca", "/crt", "/key"]);
    assert_eq!((all.schedule_delay, all.export_timeout), (Duration::ZERO, Duration::from_millis(2)));
    assert_eq!((all.max_queue_size, all.max_batch_size), (100, 10));
}

#[test]
fn headers_are_pairs_with_percent_codes_and_never_printed() {
    let name = "OTEL_EXPORTER_OTLP_HEADERS";
    let all = options(&[(name, " api-key = a%20b%2c=c% , x=,,y=1")]);
    let pairs: Vec<_> =
        all.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(pairs, [("api-key", "a b,=c%"), ("x", ""), ("y", "1")]);
    assert!(format!("{all:?}").contains("api-key") && !format!("{all:?}").contains("a b"));
    let (kept, warnings) = read(&[(name, "good=1,secret,bad name=2,nl=%0a,utf=%ff")]).unwrap();
    assert_eq!(kept.headers.iter().count(), 1);
    assert_eq!(warnings, ["OTEL_EXPORTER_OTLP_HEADERS: entry 2, 3, 4, 5 is not name=value, ignored"]);
}

#[test]
fn what_is_not_understood_is_told_and_ignored() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "99999999999999999999999"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1.5"),
    ] {
        let warning = warning(name, value);
        assert!(warning.contains(name) && warning.contains(value), "{warning}");
    }
    let (options, warnings) = read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "100")]).unwrap();
    assert_eq!((options.max_batch_size, warnings.len()), (100, 1));
}

#[test]
fn grpc_is_refused() {
    let error = read(&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")]).unwrap_err();
    assert!(error.to_string().contains("use http/protobuf"), "{error}");
}

#[test]
fn a_time_beyond_all_sense_does_not_overflow() {
    let most = u64::MAX.to_string();
    assert_eq!(options(&[("OTEL_EXPORTER_OTLP_TIMEOUT", &most)]).timeout, Duration::from_secs(86_400));
}

#[test]
fn hosts_and_ports_are_those_of_the_endpoint() {
    for (endpoint, host, port) in [
        ("http://collector/v1/traces", "collector", 80),
        ("https://otlp.example.com/v1/traces", "otlp.example.com", 443),
        ("http://user:secret@127.0.0.1:4318", "127.0.0.1", 4318),
        ("http://[::1]:4318/v1/traces?key=secret", "::1", 4318),
    ] {
        let options = Options { endpoint: endpoint.to_owned(), ..Options::new(Signal::Traces) };
        assert_eq!(options.host(), Some((host.into(), port)), "{endpoint}");
    }
}
