//! One request and its answer, within a deadline.

use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use socket2::Socket;

use super::answer;
use crate::config::ServerConfig;
use crate::h1::HeadReader;
use crate::message::Request;

/// From the connection to the last byte of the answer: nobody else is answered meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a request's head: ours have a hundred, a browser's with its cookies some thousands.
const HEAD_LIMIT: usize = 16_384;

/// Reads one request and answers it.
pub(super) fn converse(
    socket: &Socket,
    is_open: bool,
    answer: &dyn Fn() -> Option<String>,
) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    socket.set_nonblocking(false)?; // some systems let accepted sockets inherit it
    let reply = match read_head(socket, deadline) {
        Ok(request) => answer::to(&request, is_open, answer),
        Err(Refused::Protocol(status)) => answer::refusal(status),
        Err(Refused::Io(error)) => return Err(error),
    };
    write(socket, &reply, deadline)?;
    socket.shutdown(std::net::Shutdown::Both)
}

enum Refused {
    Protocol(u16),
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn read_head(mut socket: &Socket, deadline: Instant) -> Result<Request, Refused> {
    let config = ServerConfig { limit_head_bytes: HEAD_LIMIT, ..ServerConfig::default() };
    let (mut head, mut reader) = (Vec::new(), HeadReader::default());
    let mut some = [0; 4_096];
    loop {
        socket.set_read_timeout(Some(left(deadline)?))?;
        let count = socket.read(&mut some)?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        head.extend_from_slice(&some[..count]);
        match reader.read(&head, &config) {
            Ok(Some((request, _))) => return Ok(request),
            Ok(None) => {}
            Err(error) => return Err(Refused::Protocol(error.status().unwrap_or(400))),
        }
    }
}

fn write(mut socket: &Socket, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        socket.set_write_timeout(Some(left(deadline)?))?;
        match socket.write(bytes)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => bytes = &bytes[count..],
        }
    }
    Ok(())
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    // The smallest time that a socket takes as one: 0 is none at all.
    if left < Duration::from_micros(1) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}
