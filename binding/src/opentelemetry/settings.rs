//! From arguments and environment to the options of the sink and of its exporter.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wirespan_core::inflight::PATH as INFLIGHT_PATH;
use wirespan_core::otlp::exporter::Post;
use wirespan_core::otlp::options::Headers;
use wirespan_core::otlp::{Encoding, Options as ExporterOptions, Signal};
use wirespan_core::propagation::{Networks, Propagator, Propagators, Trust};
use wirespan_core::sampling::{HeadSampler, IgnoreList, TailError, TailOptions, TailSampler};
use wirespan_core::sinks::opentelemetry::{MappingOptions, Methods, Options};
use wirespan_core::trace::ReplyHeaders;

use super::arguments::{Arguments, check_word, variable, wrong};

/// Where spans can go.
const EXPORTERS: [&str; 4] = ["otlp", "console", "memory", "none"];

/// The name of the exporter. `OTEL_SDK_DISABLED` is as good as `none`.
pub(super) fn exporter(arguments: &Arguments<'_>, warnings: &mut Vec<String>) -> PyResult<String> {
    let given = arguments.take_word("exporter", &EXPORTERS)?;
    if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok("none".to_owned());
    }
    let name = given.or_else(|| variable("OTEL_TRACES_EXPORTER")).unwrap_or_else(|| "otlp".to_owned());
    if EXPORTERS.contains(&name.as_str()) {
        return Ok(name);
    }
    warnings.push(format!("OTEL_TRACES_EXPORTER: `{name}` is not supported, otlp is used"));
    Ok("otlp".to_owned())
}

/// The sink's options. Without an exporter nothing is sampled, but context is still read and sent on.
pub(super) fn sink(
    arguments: &Arguments<'_>,
    is_exported: bool,
    warnings: &mut Vec<String>,
) -> PyResult<Options> {
    let head = head(arguments, warnings)?;
    let tail = tail(arguments)?;
    let off = || HeadSampler::from_names(Some("always_off"), None).0;
    Ok(Options {
        propagators: propagators(arguments, warnings)?,
        trust: trust(arguments)?,
        head: if is_exported { head } else { off() },
        tail: tail.filter(|_| is_exported),
        reply_headers: reply_headers(arguments)?,
        mapping: mapping(arguments, warnings)?,
    })
}

fn head(arguments: &Arguments<'_>, warnings: &mut Vec<String>) -> PyResult<HeadSampler> {
    let name = arguments.take_word("sampler", &HeadSampler::NAMES)?;
    let ratio: Option<f64> = arguments.take("sampler_arg")?;
    if ratio.is_some_and(|ratio| HeadSampler::ratio(ratio, true).is_none()) {
        return Err(PyValueError::new_err("sampler_arg: a probability is between 0 and 1"));
    }
    let name = name.or_else(|| variable("OTEL_TRACES_SAMPLER"));
    // A ratio alone says all.
    let name = name.or_else(|| ratio.map(|_| "parentbased_traceidratio".to_owned()));
    let ratio = ratio.map(|ratio| ratio.to_string()).or_else(|| variable("OTEL_TRACES_SAMPLER_ARG"));
    let (sampler, told) = HeadSampler::from_names(name.as_deref(), ratio.as_deref());
    warnings.extend(told);
    Ok(sampler)
}

/// There is a tail decision if any of its rules is given.
fn tail(arguments: &Arguments<'_>) -> PyResult<Option<TailSampler>> {
    let errors: Option<bool> = arguments.take("keep_errors")?;
    let slower_than_s: Option<f64> = arguments.take("keep_slower_than_s")?;
    let ratio: Option<f64> = arguments.take("keep_ratio")?;
    let spans_per_second: Option<f64> = arguments.take("max_spans_per_s")?;
    if errors.is_none() && slower_than_s.is_none() && ratio.is_none() && spans_per_second.is_none() {
        return Ok(None);
    }
    let slower_than = slower_than_s.map(Duration::try_from_secs_f64).transpose();
    let slower_than = slower_than.map_err(|error| wrong("keep_slower_than_s", error))?;
    let defaults = TailOptions::default();
    let options = TailOptions {
        errors: errors.unwrap_or(defaults.errors),
        slower_than_ns: slower_than.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        ratio: ratio.unwrap_or(defaults.ratio),
        spans_per_second,
        ..defaults
    };
    let sampler = TailSampler::new(options).map_err(|error| match error {
        TailError::Ratio => wrong("keep_ratio", error),
        TailError::Rate => wrong("max_spans_per_s", error),
    })?;
    Ok(Some(sampler))
}

fn propagators(arguments: &Arguments<'_>, warnings: &mut Vec<String>) -> PyResult<Propagators> {
    let Some(names) = arguments.take::<Vec<String>>("propagators")? else {
        let (propagators, told) = Propagators::from_names(variable("OTEL_PROPAGATORS").as_deref());
        warnings.extend(told);
        return Ok(propagators);
    };
    let known = Propagator::ALL.map(|(_, name)| name);
    names.iter().try_for_each(|name| check_word("propagators", name, &known))?;
    // An empty variable would be the default; an empty list is none.
    let names = if names.is_empty() { "none".to_owned() } else { names.join(",") };
    Ok(Propagators::from_names(Some(&names)).0)
}

#[derive(FromPyObject)]
enum TrustGiven {
    #[pyo3(transparent, annotation = "str")]
    Word(String),
    #[pyo3(transparent, annotation = "list[str]")]
    Networks(Vec<String>),
}

fn trust(arguments: &Arguments<'_>) -> PyResult<Trust> {
    match arguments.take::<TrustGiven>("trust")? {
        None => Ok(Trust::Always),
        Some(TrustGiven::Word(word)) => {
            check_word("trust", &word, &["always", "never"])?;
            Ok(if word == "always" { Trust::Always } else { Trust::Never })
        }
        Some(TrustGiven::Networks(texts)) => {
            Networks::parse(texts).map(Trust::Networks).map_err(|error| wrong("trust", error))
        }
    }
}

fn reply_headers(arguments: &Arguments<'_>) -> PyResult<ReplyHeaders> {
    let names: Vec<String> = arguments.take("reply_headers")?.unwrap_or_default();
    names
        .iter()
        .try_for_each(|name| check_word("reply_headers", name, &["traceresponse", "server-timing"]))?;
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    Ok(ReplyHeaders { traceresponse: has("traceresponse"), server_timing: has("server-timing") })
}

fn mapping(arguments: &Arguments<'_>, warnings: &mut Vec<String>) -> PyResult<MappingOptions> {
    let proxies: Vec<String> = arguments.take("proxies")?.unwrap_or_default();
    Ok(MappingOptions {
        events: arguments.take("events")?.unwrap_or_default(),
        timeline: arguments.take("timeline")?.unwrap_or_default(),
        request_headers: arguments.take("request_headers")?.unwrap_or_default(),
        response_headers: arguments.take("response_headers")?.unwrap_or_default(),
        methods: Methods::from_names(variable("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS").as_deref()),
        proxies: Networks::parse(proxies).map_err(|error| wrong("proxies", error))?,
        value_limit: value_limit(warnings),
    })
}

fn value_limit(warnings: &mut Vec<String>) -> Option<usize> {
    let names = ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    let (name, value) = names.into_iter().find_map(|name| Some((name, variable(name)?)))?;
    let limit = value.parse().ok();
    if limit.is_none() {
        warnings.push(format!("{name}: `{value}` is not a number of characters, ignored"));
    }
    limit
}

/// The exporter's options. Taken also where spans go elsewhere, so that a wrong argument is refused all the same.
pub(super) fn otlp(arguments: &Arguments<'_>, warnings: &mut Vec<String>) -> PyResult<ExporterOptions> {
    let (mut options, told) = ExporterOptions::from_env(Signal::Traces, variable)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    warnings.extend(told);
    if let Some(endpoint) = arguments.take::<String>("endpoint")? {
        options.endpoint = with_path(endpoint);
    }
    match arguments.take_word("protocol", &["http/protobuf", "http/json"])?.as_deref() {
        Some("http/json") => options.encoding = Encoding::Json,
        Some(_) => options.encoding = Encoding::Protobuf,
        None => {}
    }
    if let Some(given) = arguments.take::<BTreeMap<String, String>>("headers")? {
        options.headers = headers(&given)?;
    }
    options.spool_dir = arguments.take::<PathBuf>("spool_dir")?;
    options.spool_max_bytes = arguments.take("spool_max_bytes")?.unwrap_or(options.spool_max_bytes);
    options.check().map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(options)
}

/// Where running requests are reported, if they are to be.
pub(super) fn inflight(arguments: &Arguments<'_>, otlp: &ExporterOptions) -> PyResult<Option<Arc<Post>>> {
    if !arguments.take("inflight")?.unwrap_or(false) {
        return Ok(None);
    }
    let post = Post::new(otlp, Signal::Traces, INFLIGHT_PATH);
    post.map(Arc::new).map(Some).map_err(|error| wrong("inflight", error))
}

/// An endpoint that names a receiver and no path is meant for traces, as it is in the general variable.
fn with_path(endpoint: String) -> String {
    let bare = endpoint.trim_end_matches('/');
    match bare.split_once("://") {
        Some((_, rest)) if !rest.contains(['/', '?']) => format!("{bare}/{}", Signal::Traces.path()),
        _ => endpoint,
    }
}

/// Values stay out of the message: they are secrets.
fn headers(given: &BTreeMap<String, String>) -> PyResult<Headers> {
    let mut headers = Headers::default();
    for (name, value) in given {
        if !headers.push(name, value) {
            return Err(wrong("headers", format!("{name:?} or its value cannot stand in a request")));
        }
    }
    Ok(headers)
}

/// Paths and routes that no sink is told of.
pub(super) fn ignored(arguments: &Arguments<'_>) -> PyResult<Vec<String>> {
    let patterns: Vec<String> = arguments.take("ignore")?.unwrap_or_default();
    IgnoreList::new(&patterns).map_err(|error| wrong("ignore", error))?;
    Ok(patterns)
}
