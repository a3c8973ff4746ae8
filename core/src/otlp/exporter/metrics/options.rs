//! What an exporter of metrics can be told beside what all exporters can, and the standard variables for it.

use std::time::Duration;

use crate::otlp::metric::Temporality;
use crate::otlp::options::{LONGEST, OptionError, Options, Signal};

const PREFERENCE: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";

/// How, where and how often to export.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsOptions {
    /// How and where. Queue, batch and spool are not used.
    pub otlp: Options,
    /// From one report to the next (`OTEL_METRIC_EXPORT_INTERVAL`).
    pub interval: Duration,
    /// A report that was not taken for so long is given up (`OTEL_METRIC_EXPORT_TIMEOUT`).
    pub timeout: Duration,
    /// Of counters and histograms (`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`).
    pub temporality: Temporality,
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self {
            otlp: Options::new(Signal::Metrics),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
            temporality: Temporality::Cumulative,
        }
    }
}

impl MetricsOptions {
    /// The defaults, overridden by what the environment says, and warnings about what it says wrong.
    ///
    /// # Errors
    /// [`OptionError`] for what we understand and cannot do: gRPC, an endpoint that is no HTTP URL.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<(Self, Vec<String>), OptionError> {
        let (otlp, mut warnings) = Options::from_env(Signal::Metrics, &lookup)?;
        // Those of spans were told about by their exporter.
        warnings.retain(|warning| !warning.starts_with("OTEL_BSP_"));
        let mut options = Self { otlp, ..Self::default() };
        for (name, time) in [
            ("OTEL_METRIC_EXPORT_INTERVAL", &mut options.interval),
            ("OTEL_METRIC_EXPORT_TIMEOUT", &mut options.timeout),
        ] {
            let Some(value) = lookup(name).filter(|value| !value.trim().is_empty()) else { continue };
            match value.trim().parse().ok().filter(|ms| *ms > 0) {
                Some(ms) => *time = Duration::from_millis(ms).min(LONGEST),
                None => warnings.push(format!("{name}: {value:?} is not a number of milliseconds, ignored")),
            }
        }
        if let Some(value) = lookup(PREFERENCE).filter(|value| !value.trim().is_empty()) {
            match value.trim().to_ascii_lowercase().as_str() {
                "cumulative" => {}
                // They differ in asynchronous counters only, of which there are none.
                "delta" | "lowmemory" => options.temporality = Temporality::Delta,
                _ => warnings.push(format!(
                    "{PREFERENCE}: {value:?} is neither cumulative, delta nor lowmemory, ignored"
                )),
            }
        }
        Ok((options, warnings))
    }

    /// Refuses options with which an exporter could not work.
    ///
    /// # Errors
    /// [`OptionError`], naming the option.
    pub fn check(&self) -> Result<(), OptionError> {
        self.otlp.check()?;
        if self.interval.is_zero() || self.interval > LONGEST {
            return Err(OptionError::new("the interval of metrics must be above 0 and at most one day"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables() {
        let read = |name: &str, value: &str| {
            let lookup = |asked: &str| (asked == name).then(|| value.to_owned());
            MetricsOptions::from_env(lookup).unwrap()
        };
        let preference = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        for (value, expected) in [
            ("delta", Temporality::Delta),
            ("LowMemory", Temporality::Delta),
            ("Cumulative", Temporality::Cumulative),
            (" ", Temporality::Cumulative),
        ] {
            let (options, warnings) = read(preference, value);
            assert_eq!((options.temporality, warnings.len()), (expected, 0), "{value}");
        }
        assert!(read(preference, "both").1[0].contains("both"));
        assert_eq!(read("OTEL_METRIC_EXPORT_INTERVAL", "250").0.interval, Duration::from_millis(250));
        assert_eq!(read("OTEL_METRIC_EXPORT_TIMEOUT", "7").0.timeout, Duration::from_millis(7));
        for wrong in ["0", "-1", "soon"] {
            let (options, warnings) = read("OTEL_METRIC_EXPORT_INTERVAL", wrong);
            assert_eq!(options.interval, Duration::from_secs(60), "{wrong}");
            assert!(warnings[0].starts_with("OTEL_METRIC_EXPORT_INTERVAL"));
        }
        assert!(read("OTEL_BSP_MAX_QUEUE_SIZE", "many").1.is_empty());
        let endpoint = read("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1").0.otlp.endpoint;
        assert_eq!(endpoint, "http://localhost:1/v1/metrics");
    }

    #[test]
    fn an_interval_is_above_zero() {
        let wrong = MetricsOptions { interval: Duration::ZERO, ..MetricsOptions::default() };
        assert!(wrong.check().unwrap_err().to_string().contains("interval"));
        assert!(MetricsOptions::default().check().is_ok());
    }
}
