//! The floor of the benchmark: one epoll loop that answers a fixed string and does nothing else.
//!
//! No parsing, no routing, no Python, no time stamps: what is left is the kernel's share of an HTTP request. A
//! server's ratio to it says how much of the core goes to the server itself. Not a server: it answers
//! whatever ends in a blank line, and drops a connection on the first surprise.
//!
//! `epoll_loop PORT` listens on 127.0.0.1.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, World!";
const LISTENER: Token = Token(usize::MAX);
/// Every benchmark request fits, so one `read` takes all of it and no second call is needed to see the end.
const BUFFER_BYTES: usize = 16 * 1024;
const EVENTS_PER_WAIT: usize = 1024;

fn main() -> io::Result<()> {
    let port = std::env::args()
        .nth(1)
        .and_then(|argument| argument.parse().ok())
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "usage: epoll_loop PORT"))?;
    serve(port)
}

fn serve(port: u16) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections = Slab::new();
    let mut events = Events::with_capacity(EVENTS_PER_WAIT);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let token = event.token();
            if token == LISTENER {
                accept(&poll, &listener, &mut connections)?;
            } else if answer(&mut connections[token.0], &mut buffer).is_err() {
                connections.remove(token.0);
            }
        }
    }
}

/// Edge-triggered, so it accepts until the kernel has no more.
fn accept(poll: &Poll, listener: &TcpListener, connections: &mut Slab<TcpStream>) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        let entry = connections.vacant_entry();
        poll.registry().register(&mut stream, Token(entry.key()), Interest::READABLE)?;
        entry.insert(stream);
    }
}

/// One read and one write. A short read empties the socket (epoll(7)), so the next edge will come.
fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    match stream.read(buffer) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(len) if buffer[..len].ends_with(b"\r\n\r\n") => stream.write_all(ANSWER),
        Ok(_) => Err(ErrorKind::InvalidData.into()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}
