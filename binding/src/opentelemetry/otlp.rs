//! The options of the OTLP exporter. Each standard variable has an argument; `OTEL_EXPORTER_OTLP_TRACES_INSECURE` is for
//! gRPC alone, over HTTP the endpoint's scheme says it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wirespan_core::inflight::PATH as INFLIGHT_PATH;
use wirespan_core::otlp::exporter::Post;
use wirespan_core::otlp::options::Headers;
use wirespan_core::otlp::{Encoding, Options, Signal};

use super::arguments::{Arguments, variables, wrong};

/// The exporter's options. Arguments are checked also where spans go elsewhere; variables of the receiver are not.
pub(super) fn options(
    arguments: &Arguments<'_>,
    is_used: bool,
    warnings: &mut Vec<String>,
) -> PyResult<Options> {
    let (mut options, told) = Options::from_env(Signal::Traces, variables(is_used))
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    warnings.extend(told);
    if let Some(endpoint) = arguments.take::<String>("endpoint")? {
        options.endpoint = with_path(endpoint);
    }
    set(&mut options.timeout, duration(arguments, "timeout_s")?);
    set(&mut options.schedule_delay, duration(arguments, "schedule_delay_s")?);
    set(&mut options.export_timeout, duration(arguments, "export_timeout_s")?);
    set(&mut options.max_queue_size, arguments.take("max_queue_size")?);
    options.max_batch_size = match arguments.take("max_batch_size")? {
        Some(size) => size,
        None => options.max_batch_size.min(options.max_queue_size.max(1)),
    };
    set(&mut options.tls.certificate, arguments.take::<PathBuf>("certificate")?.map(Some));
    set(&mut options.tls.client_certificate, arguments.take::<PathBuf>("client_certificate")?.map(Some));
    set(&mut options.tls.client_key, arguments.take::<PathBuf>("client_key")?.map(Some));
    let compression = arguments.take_word("compression", &["gzip", "none"])?;
    set(&mut options.is_gzip, compression.map(|word| word == "gzip"));
    match arguments.take_word("protocol", &["http/protobuf", "http/json"])?.as_deref() {
        Some("http/json") => options.encoding = Encoding::Json,
        Some(_) => options.encoding = Encoding::Protobuf,
        None => {}
    }
    if let Some(given) = arguments.take::<BTreeMap<String, String>>("headers")? {
        options.headers = headers(&given)?;
    }
    options.spool_dir = arguments.take::<PathBuf>("spool_dir")?;
    set(&mut options.spool_max_bytes, arguments.take("spool_max_bytes")?);
    options.check().map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(options)
}

fn set<T>(option: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *option = given;
    }
}

fn duration(arguments: &Arguments<'_>, name: &str) -> PyResult<Option<Duration>> {
    let seconds: Option<f64> = arguments.take(name)?;
    seconds.map(Duration::try_from_secs_f64).transpose().map_err(|error| wrong(name, error))
}

/// Where running requests are reported, if they are to be.
pub(super) fn inflight(arguments: &Arguments<'_>, otlp: &Options) -> PyResult<Option<Arc<Post>>> {
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
