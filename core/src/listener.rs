//! Listening sockets: TCP (IPv4, IPv6), Unix, or a descriptor that somebody else opened.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use mio::net::{TcpListener, UnixListener};
use nix::sys::socket::{TimestampingFlag, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use crate::exchange::{Endpoint, Peer};
use crate::stream::Stream;

/// A bound, listening, non-blocking socket.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub(crate) fn tcp(addr: SocketAddr, backlog: u32, reuse_port: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if reuse_port {
            socket.set_reuse_port(true)?;
        }
        if addr.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&addr.into())?;
        Self::from_tcp(socket, backlog)
    }

    fn from_tcp(socket: Socket, backlog: u32) -> io::Result<Self> {
        // Accepted sockets inherit both options, so that their first byte is stamped too.
        socket.set_tcp_nodelay(true)?;
        stamp_receives(&socket);
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        socket.set_nonblocking(true)?;
        Ok(Self::Tcp(TcpListener::from_std(socket.into())))
    }

    fn from_unix(socket: Socket, backlog: u32) -> io::Result<Self> {
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        socket.set_nonblocking(true)?;
        let fd: OwnedFd = socket.into();
        Ok(Self::Unix(UnixListener::from_std(fd.into())))
    }

    pub(crate) fn unix(path: &Path, backlog: u32) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&socket2::SockAddr::unix(path)?)?;
        Self::from_unix(socket, backlog)
    }

    /// Takes over a descriptor that this process inherited.
    pub(crate) fn inherited(fd: OwnedFd, backlog: u32) -> io::Result<Self> {
        let socket = Socket::from(fd);
        match socket.domain()? {
            Domain::IPV4 | Domain::IPV6 => Self::from_tcp(socket, backlog),
            Domain::UNIX => Self::from_unix(socket, backlog),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a TCP or Unix stream socket")),
        }
    }

    /// Where clients reach it; `None` for Unix sockets.
    pub(crate) fn addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    pub(crate) fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, client) = listener.accept()?;
                let server = stream.local_addr().ok().map(Endpoint::new);
                Ok((
                    Stream::Tcp(stream),
                    Peer { client: Some(Endpoint::new(client)), server, ..Peer::default() },
                ))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Ok((Stream::Unix(stream), Peer::default()))
            }
        }
    }

    pub(crate) fn source(&mut self) -> &mut dyn mio::event::Source {
        match self {
            Self::Tcp(listener) => listener,
            Self::Unix(listener) => listener,
        }
    }
}

/// Asks the kernel to stamp what it receives. Where it cannot, `RECEIVED` is absent and nothing else changes.
fn stamp_receives(socket: &Socket) {
    let wanted = TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE | TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE;
    _ = setsockopt(socket, sockopt::Timestamping, &wanted); // see above
}
