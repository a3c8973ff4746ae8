//! Batches over HTTP, one at a time for each thread that sends: a receiver that hangs holds up nobody but these.

use std::error::Error;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use reqwest::redirect::Policy;
use reqwest::{Body, Request, Url};
use rustls::ClientConfig;
use tokio::runtime::{self, Runtime};

use super::answer::{Response, judge};
use crate::otlp::encode::Batch;
use crate::otlp::options::{Headers, OptionError, Options, Signal};

/// Bytes of an answer that we read. A good one has a few dozen.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Where to and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    endpoint: String,
    headers: Headers,
    tls: ClientConfig,
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

/// What is read of an answer.
struct Answered {
    status: StatusCode,
    retry_after: Option<String>,
    /// `None`: it is too long, or broke off.
    body: Option<Vec<u8>>,
}

/// Makes requests on the thread that asks, which is the one that made it: an event loop does not survive a fork.
#[derive(Debug)]
struct Client {
    /// What all requests have in common, read once.
    url: Url,
    headers: HeaderMap,
    http: reqwest::Client,
    runtime: Runtime,
}

impl Client {
    /// Fails with a sentence where the system lacks what it needs.
    fn new(target: &Target) -> Result<Self, String> {
        let builder = reqwest::Client::builder();
        // A proxy is for other machines: its own loopback is not ours.
        let builder = if is_here(&target.endpoint) { builder.no_proxy() } else { builder };
        let http = builder
            // Spans, and the API key in the headers, go where the operator said and nowhere else.
            .redirect(Policy::none())
            .tls_backend_preconfigured(target.tls.clone())
            .user_agent(concat!("wirespan-OTLP-Exporter/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .pool_max_idle_per_host(1)
            .build()
            .map_err(|error| innermost(&error))?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("cannot make an event loop: {error}"))?;
        let common = target.headers.iter().fold(http.post(&target.endpoint), |common, (name, value)| {
            common.header(name, value) // beside others of that name
        });
        let common = common.build().map_err(|error| innermost(&error))?;
        Ok(Self { url: common.url().clone(), headers: common.headers().clone(), http, runtime })
    }

    /// A request with the receiver's headers.
    fn post(&self, content_type: &'static str, timeout: Duration, body: impl Into<Body>) -> Request {
        let mut request = Request::new(Method::POST, self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        request.headers_mut().append(CONTENT_TYPE, HeaderValue::from_static(content_type));
        *request.timeout_mut() = Some(timeout);
        *request.body_mut() = Some(body.into());
        request
    }

    /// Waits for the answer.
    fn send(&self, request: Request) -> reqwest::Result<Answered> {
        self.runtime.block_on(async {
            // A connection that the receiver closed meanwhile is seen before it is used.
            tokio::task::yield_now().await;
            let response = self.http.execute(request).await?;
            let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let (status, retry_after) = (response.status(), retry_after.map(str::to_owned));
            Ok(Answered { status, retry_after, body: read(response).await })
        })
    }
}

/// The whole body; see [`Answered::body`].
async fn read(mut response: reqwest::Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        if body.len() + piece.len() > ANSWER_LIMIT {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// Whether the receiver is on this machine.
fn is_here(endpoint: &str) -> bool {
    let uri = endpoint.parse::<Uri>().unwrap_or_default();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What is around it says only that a request was made.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match cause.to_string() {
        // The words of rustls for an answer in plain text.
        text if text.contains("InvalidContentType") => {
            "it does not speak TLS there: use http:// or another port".to_owned()
        }
        text => text,
    }
}

/// Another path of a receiver, with the same headers and TLS, for JSON that may get lost.
#[derive(Debug)]
pub struct Post(Target);

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
        Ok(Self(target))
    }

    /// For the thread that will send. Fails where the system lacks what it needs.
    pub(crate) fn open(&self) -> Result<Poster, String> {
        Client::new(&self.0).map(Poster)
    }
}

/// Sends what [`Post`] is for.
#[derive(Debug)]
pub(crate) struct Poster(Client);

impl Poster {
    /// Waits no longer than `timeout`. Nobody wants to know what comes of it.
    pub(crate) fn json(&self, body: String, timeout: Duration) {
        _ = self.0.send(self.0.post("application/json", timeout, body));
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
            // A panic in the client must not leave a batch without an answer: then nothing would move again.
            let panicked = || "the HTTP client panicked".to_owned();
            let client =
                catch_unwind(AssertUnwindSafe(|| Client::new(&target))).unwrap_or_else(|_| Err(panicked()));
            for job in inbox {
                let outcome = catch_unwind(AssertUnwindSafe(|| request(client.as_ref(), &job)));
                report(outcome.unwrap_or_else(|_| Response::missing(panicked(), "panic")));
            }
        })?;
        Ok(Self { jobs })
    }

    /// Sends a batch; the answer comes by `report`. Returns false if the thread is gone.
    pub(super) fn send(&self, batch: Arc<Batch>, timeout: Duration) -> bool {
        self.jobs.send(Job { batch, timeout }).is_ok()
    }
}

fn request(client: Result<&Client, &String>, job: &Job) -> Response {
    let client = match client {
        Ok(client) => client,
        Err(why) => return Response::missing(why.clone(), "no_client"),
    };
    let batch = &job.batch;
    let body = Body::wrap(batch.body.stream());
    let mut request = client.post(batch.encoding.content_type(), job.timeout, body);
    if batch.is_gzip {
        request.headers_mut().append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    match client.send(request) {
        Ok(Answered { status, retry_after, body }) => {
            let answer = judge(status, retry_after.as_deref(), batch.encoding, body.as_deref());
            Response::of_status(answer, status.as_u16())
        }
        Err(error) if error.is_timeout() => {
            Response::missing(format!("no answer within {:?}", job.timeout), "timeout")
        }
        Err(error) => Response::missing(innermost(&error), "unreachable"),
    }
}
