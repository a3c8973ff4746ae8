//! A small OTLP receiver that does what a script says, over real sockets.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

/// How long a test waits for what must come.
pub(in crate::otlp::exporter) const PATIENCE: Duration = Duration::from_secs(20);

/// What is done with a request.
#[derive(Clone, Debug)]
pub(in crate::otlp::exporter) enum Reply {
    /// These bytes, and the connection stays.
    Bytes(Vec<u8>),
    /// These bytes, and the connection ends.
    Cut(Vec<u8>),
    /// Nothing, ever.
    Hang,
    /// A success, once the test says so.
    Gate(Arc<Mutex<mpsc::Receiver<()>>>),
    /// Another reply, once the test says so.
    GateTo(Arc<Mutex<mpsc::Receiver<()>>>, Box<Reply>),
    /// A success after this time.
    Slow(Duration),
    /// A good head, then bytes without end, slowly.
    Drip,
    /// A good head, then bytes without end, as fast as they are taken.
    Flood,
}

/// A reply with a status and a body.
pub(in crate::otlp::exporter) fn reply(status: &str, headers: &str, body: &[u8]) -> Reply {
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    Reply::Bytes(bytes)
}

/// What came.
#[derive(Clone, Debug)]
pub(in crate::otlp::exporter) struct Request {
    /// Request line and headers, names in lower case.
    pub(in crate::otlp::exporter) head: Vec<String>,
    pub(in crate::otlp::exporter) body: Vec<u8>,
}

impl Request {
    pub(in crate::otlp::exporter) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The names of the spans in it.
    pub(in crate::otlp::exporter) fn names(&self) -> Vec<String> {
        let mut body = self.body.clone();
        if self.header("content-encoding") == Some("gzip") {
            body.clear();
            GzDecoder::new(&self.body[..]).read_to_end(&mut body).unwrap();
        }
        let request: ExportTraceServiceRequest = match self.header("content-type").unwrap() {
            "application/json" => serde_json::from_slice(&body).unwrap(),
            _ => ExportTraceServiceRequest::decode(&body[..]).unwrap(),
        };
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
    }
}

/// The receiver. Ends when dropped, connections included.
pub(in crate::otlp::exporter) struct Receiver {
    addr: SocketAddr,
    requests: mpsc::Receiver<Request>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    open: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

/// An address where nobody listens.
pub(in crate::otlp::exporter) fn free_addr() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Receiver {
    /// Follows the script, then accepts everything.
    pub(in crate::otlp::exporter) fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script)
    }

    pub(in crate::otlp::exporter) fn start_at(
        addr: SocketAddr,
        script: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        let addr = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        let (sender, requests) = mpsc::channel();
        let connections = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (known, end) = (Arc::clone(&connections), Arc::clone(&is_over));
        let open = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&open);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                known.lock().unwrap().push(stream.try_clone().unwrap());
                let (sender, replies, count) = (sender.clone(), Arc::clone(&script), Arc::clone(&count));
                count.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    // `known` keeps the connection open otherwise.
                    let handle = stream.try_clone().unwrap();
                    serve(&mut BufReader::new(stream), &sender, &replies);
                    count.fetch_sub(1, Ordering::SeqCst);
                    _ = handle.shutdown(Shutdown::Both);
                });
            }
        });
        Self { addr, requests, connections, open, is_over }
    }

    pub(in crate::otlp::exporter) fn url(&self) -> String {
        format!("http://{}/v1/traces", self.addr)
    }

    /// The next request; it was answered already, or will be as the script says.
    pub(in crate::otlp::exporter) fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// Open connections.
    pub(super) fn connections(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Requests that came and nobody asked for.
    pub(super) fn rest(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }

    /// Span names of the next requests, until there are so many.
    pub(in crate::otlp::exporter) fn names(&self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        while names.len() < count {
            names.extend(self.next().names());
        }
        names
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        _ = TcpStream::connect(self.addr);
        for connection in self.connections.lock().unwrap().drain(..) {
            _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// Serves one connection. Generic for TLS.
pub(super) fn serve<S: Read + Write>(
    stream: &mut BufReader<S>,
    requests: &mpsc::Sender<Request>,
    script: &Mutex<VecDeque<Reply>>,
) {
    while let Some(request) = read_request(stream) {
        let next = script.lock().unwrap().pop_front();
        if requests.send(request).is_err() {
            return;
        }
        let next = next.unwrap_or_else(|| reply("200 OK", "content-type: application/x-protobuf\r\n", b""));
        if !answer(stream.get_mut(), &next) {
            return;
        }
    }
}

fn read_request(stream: &mut impl BufRead) -> Option<Request> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let line = match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
            None => line.to_owned(),
        };
        head.push(line);
    }
    let mut request = Request { head, body: Vec::new() };
    let len: u64 = request.header("content-length").and_then(|len| len.parse().ok()).unwrap_or(0);
    stream.by_ref().take(len).read_to_end(&mut request.body).ok()?;
    Some(request)
}

fn answer(stream: &mut impl Write, next: &Reply) -> bool {
    match next {
        Reply::Bytes(bytes) => stream.write_all(bytes).and_then(|()| stream.flush()).is_ok(),
        Reply::Cut(bytes) => {
            _ = stream.write_all(bytes);
            false
        }
        Reply::Hang => true,
        Reply::Gate(gate) => {
            _ = gate.lock().unwrap().recv_timeout(PATIENCE);
            answer(stream, &reply("200 OK", "", b""))
        }
        Reply::GateTo(gate, next) => {
            _ = gate.lock().unwrap().recv_timeout(PATIENCE);
            answer(stream, next)
        }
        Reply::Slow(time) => {
            thread::sleep(*time); // the latency, not a wait for luck
            answer(stream, &reply("200 OK", "", b""))
        }
        Reply::Flood => {
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            let chunk = [b"1000\r\n".to_vec(), vec![0; 4096], b"\r\n".to_vec()].concat();
            while stream.write_all(&chunk).is_ok() {}
            false
        }
        Reply::Drip => {
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
            while stream.write_all(b"x").and_then(|()| stream.flush()).is_ok() {
                thread::sleep(Duration::from_millis(20)); // the drip, not a wait for luck
            }
            false
        }
    }
}
