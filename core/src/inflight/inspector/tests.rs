//! Over real sockets: who is answered what, and what is left on the disk.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::{Inspector, Place};
use crate::config::ServerConfig;
use crate::engine::Engine;
use crate::inflight::Description;
use crate::sinks::Sinks;
use crate::trace::Clock;

fn engine() -> Engine {
    Engine::new(ServerConfig::default(), Clock::System, Sinks::default(), false).unwrap()
}

fn open(engine: &Engine, place: &Place) -> std::io::Result<Inspector> {
    Inspector::open(place, Description::new("shop".to_owned(), "http://here".to_owned()), engine.view())
}

fn on_port(engine: &Engine) -> (Inspector, SocketAddr) {
    let inspector = open(engine, &Place::Loopback(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
    let Place::Loopback(addr) = *inspector.place() else { unreachable!("a port was asked for") };
    (inspector, addr)
}

fn ask(addr: SocketAddr, request: &str) -> String {
    let mut client = TcpStream::connect(addr).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn status_of(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

/// A folder of this test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wirespan-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("1.sock")
    }

    fn files(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn only_the_right_question_is_answered() {
    let engine = engine();
    let (_inspector, addr) = on_port(&engine);
    for (request, status) in [
        ("GET /inflight HTTP/1.1\r\nhost: localhost\r\n\r\n", "200"),
        ("GET /inflight?x=1 HTTP/1.1\r\nhost: 127.0.0.1:80\r\n\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "404"),
        ("POST /inflight HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n", "405"),
        ("GET /inflight HTTP/1.1\r\nhost: evil.test\r\n\r\n", "403"),
        ("GET http://evil.test/inflight HTTP/1.1\r\nhost: localhost\r\n\r\n", "403"),
        ("GET /inflight HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\n\r\n", "403"),
        ("GET /inflight HTTP/1.1\r\n\r\n", "400"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        assert_eq!(status_of(&ask(addr, request)), status, "{request}");
    }
}

#[test]
fn the_answer_says_who_tells() {
    let engine = engine();
    let (_inspector, addr) = on_port(&engine);
    let answer = ask(addr, "GET /inflight HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let told: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
    assert_eq!(
        (&told["service"], &told["url"], &told["total"]),
        (&"shop".into(), &"http://here".into(), &0.into())
    );
    assert_eq!(told["pid"], std::process::id());
}

#[test]
fn one_that_says_nothing_is_given_up() {
    let engine = engine();
    let (_inspector, addr) = on_port(&engine);
    let _silent = TcpStream::connect(addr).unwrap();
    assert_eq!(status_of(&ask(addr, "GET /inflight HTTP/1.1\r\nhost: localhost\r\n\r\n")), "200");
}

#[test]
fn a_head_without_end_is_refused() {
    let engine = engine();
    let (_inspector, addr) = on_port(&engine);
    let endless = format!("GET /inflight HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n", "a".repeat(16_384));
    assert_eq!(status_of(&ask(addr, &endless)), "431");
}

#[test]
fn without_its_engine_it_says_so() {
    let engine = engine();
    let (_inspector, addr) = on_port(&engine);
    drop(engine);
    assert_eq!(status_of(&ask(addr, "GET /inflight HTTP/1.1\r\nhost: localhost\r\n\r\n")), "503");
}

#[test]
fn the_socket_is_private_and_goes_with_its_owner() {
    let (engine, folder) = (engine(), Folder::new("private"));
    let inspector = open(&engine, &Place::Unix(folder.socket())).unwrap();
    let mode = fs::metadata(folder.socket()).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, folder.files()), (0o600, 1));
    let mut client = UnixStream::connect(folder.socket()).unwrap();
    client.write_all(b"GET /inflight HTTP/1.1\r\nhost: any\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(status_of(&answer), "200");
    drop(inspector);
    assert_eq!(folder.files(), 0);
}

#[test]
fn a_dropped_inspector_listens_no_more() {
    let engine = engine();
    let (inspector, addr) = on_port(&engine);
    drop(inspector);
    // The thread closes the socket; until it does, connections wait in the backlog and are then reset.
    while TcpStream::connect(addr).is_ok() {
        std::thread::yield_now();
    }
}

fn refused(path: &Path) -> String {
    let engine = engine();
    open(&engine, &Place::Unix(path.to_owned())).unwrap_err().to_string()
}

#[test]
fn only_a_dead_socket_is_replaced() {
    let folder = Folder::new("dead");
    fs::write(folder.socket(), "precious").unwrap();
    assert_eq!(refused(&folder.socket()), "the file exists and is no socket");
    fs::remove_file(folder.socket()).unwrap();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    assert_eq!(refused(&folder.socket()), "another server listens there");
    drop(listener);
    let engine = engine();
    assert!(open(&engine, &Place::Unix(folder.socket())).is_ok());
}

#[test]
fn only_this_machine_can_ask() {
    let engine = engine();
    let place = Place::Loopback(SocketAddr::from(([0, 0, 0, 0], 0)));
    assert_eq!(open(&engine, &place).unwrap_err().to_string(), "not a loopback address");
}
