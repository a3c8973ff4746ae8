//! The one table of environment variables.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use super::{Headers, LONGEST, OptionError, Options, Signal, check_endpoint};
use crate::otlp::encode::Encoding;

/// What came of a variable's value.
type Outcome = Result<(), Wrong>;

/// Why a value was not taken.
#[derive(Debug)]
enum Wrong {
    /// Not understood: a warning, the default stays.
    Ignored(String),
    /// Understood, but impossible: no exporter.
    Refused(OptionError),
}

/// One standard variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name. `*` stands for the signal: `OTEL_EXPORTER_OTLP_*ENDPOINT` is `OTEL_EXPORTER_OTLP_ENDPOINT` and, with
    /// precedence, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`.
    pub name: &'static str,
    /// What is used when it is unset.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
    apply: fn(&mut Options, &Given<'_>) -> Outcome,
}

/// A value and where it comes from.
#[derive(Debug)]
struct Given<'a> {
    value: &'a str,
    signal: Signal,
    /// From the variable of the signal, not the general one.
    is_own: bool,
}

/// All that an exporter takes from the environment.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "OTEL_EXPORTER_OTLP_*ENDPOINT",
        default: "http://localhost:4318",
        help: "Receiver. v1/traces is appended to the general variable; the signal's own is used as it is.",
        apply: endpoint,
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_*PROTOCOL",
        default: "http/protobuf",
        help: "http/protobuf or http/json.",
        apply: protocol,
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_*COMPRESSION",
        default: "none",
        help: "gzip or none.",
        apply: compression,
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_*HEADERS",
        default: "",
        help: "Headers of each request: name=value,name=value with percent-encoded values.",
        apply: headers,
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_*TIMEOUT",
        default: "10000",
        help: "Longest time of one request in milliseconds.",
        apply: |options, given| set(&mut options.timeout, milliseconds(given, 1)),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_*CERTIFICATE",
        default: "",
        help: "PEM file of certificate authorities to trust; default: the system's.",
        apply: |options, given| set(&mut options.tls.certificate, Ok(Some(given.value.into()))),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_*CLIENT_CERTIFICATE",
        default: "",
        help: "PEM file of our own certificate (mTLS).",
        apply: |options, given| set(&mut options.tls.client_certificate, Ok(Some(given.value.into()))),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_*CLIENT_KEY",
        default: "",
        help: "PEM file of the key of our own certificate (mTLS).",
        apply: |options, given| set(&mut options.tls.client_key, Ok(Some(given.value.into()))),
    },
    Variable {
        name: "OTEL_BSP_SCHEDULE_DELAY",
        default: "5000",
        help: "Longest time in milliseconds that a span waits for others to fill its batch.",
        apply: |options, given| set(&mut options.schedule_delay, milliseconds(given, 0)),
    },
    Variable {
        name: "OTEL_BSP_EXPORT_TIMEOUT",
        default: "30000",
        help: "Milliseconds after which a batch that the receiver keeps refusing may be given up.",
        apply: |options, given| set(&mut options.export_timeout, milliseconds(given, 0)),
    },
    Variable {
        name: "OTEL_BSP_MAX_QUEUE_SIZE",
        default: "8192",
        help: "Spans in memory. More are dropped and counted.",
        apply: |options, given| set(&mut options.max_queue_size, number(given, 1)),
    },
    Variable {
        name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        default: "512",
        help: "Spans of one request; at most OTEL_BSP_MAX_QUEUE_SIZE.",
        apply: |options, given| set(&mut options.max_batch_size, number(given, 1)),
    },
];

/// Reads every variable of the table. Returns warnings.
pub(super) fn apply(
    options: &mut Options,
    signal: Signal,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<String>, OptionError> {
    let mut warnings = Vec::new();
    let set =
        |name: &str| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    for variable in VARIABLES {
        let own = variable.name.replace('*', &format!("{}_", signal.word()));
        let general = variable.name.replace('*', "");
        let found = set(&own).map(|value| (&own, value)).or_else(|| Some((&general, set(&general)?)));
        let Some((name, value)) = found else { continue };
        let given = Given { value: &value, signal, is_own: *name == own };
        match (variable.apply)(options, &given) {
            Ok(()) => {}
            Err(Wrong::Ignored(why)) => warnings.push(format!("{name}: {why}")),
            Err(Wrong::Refused(error)) => return Err(OptionError(format!("{name}: {error}"))),
        }
    }
    warnings.extend(fit_batch(options));
    Ok(warnings)
}

/// A batch larger than the queue would never be full.
fn fit_batch(options: &mut Options) -> Option<String> {
    let (batch, queue) = (options.max_batch_size, options.max_queue_size);
    (batch > queue).then(|| {
        options.max_batch_size = queue;
        format!("OTEL_BSP_MAX_EXPORT_BATCH_SIZE: {batch} is above OTEL_BSP_MAX_QUEUE_SIZE, {queue} is used")
    })
}

fn set<T>(option: &mut T, value: Result<T, Wrong>) -> Outcome {
    *option = value?;
    Ok(())
}

fn number<T: FromStr + PartialOrd + Copy + Display>(given: &Given<'_>, least: T) -> Result<T, Wrong> {
    let number = given.value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| {
        Wrong::Ignored(format!("{:?} is not a whole number from {least} on, ignored", given.value))
    })
}

fn milliseconds(given: &Given<'_>, least: u64) -> Result<Duration, Wrong> {
    let number = given.value.parse().ok().filter(|number| *number >= least).ok_or_else(|| {
        let text =
            format!("{:?} is not a whole number of milliseconds from {least} on, ignored", given.value);
        Wrong::Ignored(text)
    })?;
    Ok(Duration::from_millis(number).min(LONGEST))
}

fn endpoint(options: &mut Options, given: &Given<'_>) -> Outcome {
    check_endpoint(given.value).map_err(Wrong::Refused)?;
    options.endpoint = match given.is_own {
        true if has_path(given.value) => given.value.to_owned(),
        // "If an URL contains no path part, the root path MUST be used."
        true => format!("{}/", given.value),
        false => format!("{}/{}", given.value.trim_end_matches('/'), given.signal.path()),
    };
    Ok(())
}

fn has_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'))
}

fn protocol(options: &mut Options, given: &Given<'_>) -> Outcome {
    options.encoding = match given.value {
        "http/protobuf" => Encoding::Protobuf,
        "http/json" => Encoding::Json,
        "grpc" => {
            let text = "grpc is not supported, use http/protobuf (port 4318 instead of 4317)";
            return Err(Wrong::Refused(OptionError(text.to_owned())));
        }
        other => {
            let text = format!("{other:?} is neither http/protobuf nor http/json, ignored");
            return Err(Wrong::Ignored(text));
        }
    };
    Ok(())
}

fn compression(options: &mut Options, given: &Given<'_>) -> Outcome {
    options.is_gzip = match given.value {
        "gzip" => true,
        "none" => false,
        other => return Err(Wrong::Ignored(format!("{other:?} is neither gzip nor none, ignored"))),
    };
    Ok(())
}

fn headers(options: &mut Options, given: &Given<'_>) -> Outcome {
    let mut wrong = Vec::new();
    options.headers = Headers::parse(given.value, |at| wrong.push(at.to_string()));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Wrong::Ignored(format!("entry {} is not name=value, ignored", wrong.join(", "))))
}
