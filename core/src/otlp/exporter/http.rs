//! Batches over HTTP, one at a time for each thread that sends: a receiver that hangs holds up nobody but these.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, SendBody};

use super::answer::{Response, judge};
use super::resolver::Remembering;
use crate::otlp::encode::Batch;
use crate::otlp::options::{Headers, OptionError, Options, Signal};

/// Bytes of an answer that we read. A good one has a few dozen.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// Where to and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    endpoint: String,
    headers: Headers,
    tls: TlsConfig,
    name: String,
}

impl Target {
    /// Reads the certificate files.
    pub(super) fn new(options: &Options) -> Result<Self, OptionError> {
        let Options { endpoint, headers, tls, .. } = options;
        let tls = tls.load(endpoint)?;
        Ok(Self { endpoint: endpoint.clone(), headers: headers.clone(), tls, name: options.display_name() })
    }

    /// What a log may call the receiver.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// JSON to another path of a receiver, with the same headers and TLS; nobody wants to know what comes of it.
#[derive(Debug)]
pub struct Post {
    agent: Agent,
    target: Target,
}

impl Post {
    /// `path` is in the place of the signal's own; both without a slash in front.
    ///
    /// # Errors
    /// [`OptionError`]: the endpoint does not end with the signal's path, or a certificate cannot be read.
    pub fn new(options: &Options, signal: Signal, path: &str) -> Result<Self, OptionError> {
        let own = signal.path();
        let Some(base) = options.endpoint.strip_suffix(own).filter(|base| base.ends_with('/')) else {
            let name = options.display_name();
            return Err(OptionError(format!("the endpoint must end with /{own} for that, {name} does not")));
        };
        let mut target = Target::new(options)?;
        target.endpoint = format!("{base}{path}");
        Ok(Self { agent: agent(&target.tls), target })
    }

    /// Waits no longer than `timeout`.
    pub(crate) fn json(&self, body: String, timeout: Duration) {
        let mut request = self.agent.post(&self.target.endpoint).content_type("application/json");
        for (name, value) in self.target.headers.iter() {
            request = request.header(name, value);
        }
        let request = request.config().timeout_global(Some(timeout)).build();
        if let Ok(mut response) = request.send(body) {
            // Read to its end, so that the connection can be used again.
            _ = response.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec();
        }
    }
}

/// One request to make.
#[derive(Debug)]
struct Job {
    batch: Arc<Batch>,
    timeout: Duration,
}

/// The handle of the sending thread. The thread ends when this is dropped, after the request it is in.
#[derive(Debug)]
pub(super) struct Courier {
    jobs: mpsc::Sender<Job>,
}

impl Courier {
    /// Starts the thread. It calls `report` once for each batch that it gets.
    pub(super) fn start(
        target: Target,
        report: impl Fn(Response) + Send + 'static,
    ) -> Result<Self, std::io::Error> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        thread::Builder::new().name("wirespan-otlp-http".to_owned()).spawn(move || {
            let agent = agent(&target.tls);
            for job in inbox {
                // A panic in the client must not leave the batch without an answer: then nothing would move again.
                let outcome = catch_unwind(AssertUnwindSafe(|| request(&agent, &target, &job)));
                report(
                    outcome.unwrap_or_else(|_| {
                        Response::missing("the HTTP client panicked".to_owned(), "panic")
                    }),
                );
            }
        })?;
        Ok(Self { jobs })
    }

    /// Sends a batch; the answer comes by `report`. Returns false if the thread is gone.
    pub(super) fn send(&self, batch: Arc<Batch>, timeout: Duration) -> bool {
        self.jobs.send(Job { batch, timeout }).is_ok()
    }
}

fn agent(tls: &TlsConfig) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // Spans, and the API key in the headers, go where the operator said and nowhere else.
        .max_redirects(0)
        .tls_config(tls.clone())
        .user_agent(concat!("wirespan-OTLP-Exporter/", env!("CARGO_PKG_VERSION")))
        .max_idle_connections(1)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Remembering::default())
}

fn request(agent: &Agent, target: &Target, job: &Job) -> Response {
    let batch = &job.batch;
    let mut request = agent.post(&target.endpoint).content_type(batch.encoding.content_type());
    request = request.header("content-length", batch.body.len());
    if batch.is_gzip {
        request = request.header("content-encoding", "gzip");
    }
    for (name, value) in target.headers.iter() {
        request = request.header(name, value);
    }
    let request = request.config().timeout_global(Some(job.timeout)).build();
    let mut body = batch.body.reader();
    let mut response = match request.send(SendBody::from_reader(&mut body)) {
        Ok(response) => response,
        Err(error) => {
            let reason = if matches!(error, ureq::Error::Timeout(_)) { "timeout" } else { "unreachable" };
            return Response::missing(error.to_string(), reason);
        }
    };
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status();
    let body = response.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec().ok();
    let answer = judge(status, retry_after.as_deref(), batch.encoding, body.as_deref());
    Response::of_status(answer, status.as_u16())
}
