//! From arguments and environment to the options of the sink.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wirespan_core::propagation::{Networks, Propagator, Propagators, Trust};
use wirespan_core::sampling::{HeadSampler, IgnoreList};
use wirespan_core::sinks::opentelemetry::{Extra, MappingOptions, Methods, Options};
use wirespan_core::spans::Limits;
use wirespan_core::trace::ReplyHeaders;

use super::arguments::{Arguments, check_word, variable, wrong};
use super::exporters::{EXPORTERS, named};
use super::tail;

/// The exporter that the code asks for.
pub(super) fn given_exporter(arguments: &Arguments<'_>) -> PyResult<Option<String>> {
    arguments.take_word("exporter", &EXPORTERS)
}

/// Whether the operator wants neither spans nor metrics.
pub(crate) fn is_disabled() -> bool {
    variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The names of the exporters of spans. `OTEL_SDK_DISABLED` is as good as `none`.
pub(super) fn exporters(given: Option<&str>, warnings: &mut Vec<String>) -> Vec<&'static str> {
    if is_disabled() {
        return vec!["none"];
    }
    if let Some(other) = variable("OTEL_SDK_DISABLED").filter(|value| !value.eq_ignore_ascii_case("false")) {
        warnings.push(format!("OTEL_SDK_DISABLED: `{other}` is neither true nor false, false is used"));
    }
    match EXPORTERS.into_iter().find(|name| given == Some(name)) {
        Some(name) => vec![name],
        None => named("OTEL_TRACES_EXPORTER", "otlp", warnings),
    }
}

/// The sink's options. Without an exporter nothing is recorded, but context is still read and sent on.
pub(super) fn sink(
    arguments: &Arguments<'_>,
    is_exported: bool,
    warnings: &mut Vec<String>,
) -> PyResult<Options> {
    let tail = tail::tail(arguments)?;
    Ok(Options {
        propagators: propagators(arguments, warnings)?,
        trust: trust(arguments)?,
        head: head(arguments, warnings)?,
        tail: tail.filter(|_| is_exported),
        reply_headers: reply_headers(arguments)?,
        mapping: mapping(arguments, warnings)?,
        is_idle: !is_exported,
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
    let (limits, told) = Limits::from_env(variable);
    warnings.extend(told);
    Ok(MappingOptions {
        events: arguments.take("events")?.unwrap_or_default(),
        timeline: arguments.take("timeline")?.unwrap_or_default(),
        request_headers: arguments.take("request_headers")?.unwrap_or_default(),
        response_headers: arguments.take("response_headers")?.unwrap_or_default(),
        extras: extras(arguments)?,
        methods: Methods::from_names(variable("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS").as_deref()),
        limits,
    })
}

/// The attributes that spans have only when asked.
fn extras(arguments: &Arguments<'_>) -> PyResult<Vec<Extra>> {
    let names: Vec<String> = arguments.take("attributes")?.unwrap_or_default();
    let known = Extra::ALL.map(|(_, name)| name);
    names.iter().try_for_each(|name| check_word("attributes", name, &known))?;
    Ok(Extra::ALL.into_iter().filter(|(_, name)| names.iter().any(|n| n == name)).map(|(e, _)| e).collect())
}

/// Paths and routes that no sink is told of.
pub(super) fn ignored(arguments: &Arguments<'_>) -> PyResult<Vec<String>> {
    let patterns: Vec<String> = arguments.take("ignore")?.unwrap_or_default();
    IgnoreList::new(&patterns).map_err(|error| wrong("ignore", error))?;
    Ok(patterns)
}
