//! Aggregated numbers to the body of one `POST /v1/metrics`.
//!
//! Unlike spans they are few and sent once a minute: nothing here is tuned for speed.

mod json;
mod protobuf;
#[cfg(test)]
mod tests;

use super::{Batch, Encoding, gzip};
use crate::otlp::metric::MetricsData;
use crate::otlp::span::{Resource, SERVER_SCOPE};

/// Makes batches for one resource.
#[derive(Debug)]
pub(crate) struct MetricsEncoder {
    resource: Resource,
    encoding: Encoding,
    is_gzip: bool,
}

impl MetricsEncoder {
    pub(crate) fn new(resource: &Resource, encoding: Encoding, is_gzip: bool) -> Self {
        Self { resource: resource.clone(), encoding, is_gzip }
    }

    /// One request with these metrics. Its number of items is the number of points.
    pub(crate) fn encode(&self, data: &MetricsData) -> Batch {
        let body = match self.encoding {
            Encoding::Protobuf => protobuf::request(&self.resource, &SERVER_SCOPE, data),
            Encoding::Json => json::request(&self.resource, &SERVER_SCOPE, data),
        };
        Batch {
            body: if self.is_gzip { gzip(&body) } else { body }.into(),
            spans: u32::try_from(data.points()).unwrap_or(u32::MAX),
            encoding: self.encoding,
            is_gzip: self.is_gzip,
        }
    }
}
