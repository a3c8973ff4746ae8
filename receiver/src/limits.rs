//! Each bound on what one request may hold: default, unit, reason.

/// Spans, log records or data points in one request. The SDKs' default is 512, the Collector's 8192.
pub const MAX_RECORDS: usize = 100_000;
/// Resources and scopes in one request.
pub const MAX_SOURCES: usize = 10_000;
/// Attributes of one record, resource or scope; further ones are dropped and counted. The SDKs' default is 128.
pub const MAX_ATTRIBUTES: usize = 1024;
/// Events, links or exemplars of one record; further ones are dropped and counted. The SDKs' default is 128.
pub const MAX_PARTS: usize = 1024;
/// Bytes of one text; longer ones are cut at a character and end with `…`. A deep stack trace has 20 KiB.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Bytes of a name, of a span, route, metric or attribute, say: no program that works has longer ones.
pub const MAX_NAME_BYTES: usize = 1024;
/// Bytes of the name of a service or scope, which is repeated in each row.
pub const MAX_SOURCE_BYTES: usize = 256;
/// Arrays and maps inside each other in one value; what lies deeper becomes null.
pub const MAX_DEPTH: usize = 16;
/// Buckets of one histogram; a data point with more is rejected. The SDKs' largest default is 160.
pub const MAX_BUCKETS: usize = 4096;
