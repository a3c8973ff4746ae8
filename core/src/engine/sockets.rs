//! Listening, accepting, and stopping to.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use mio::{Interest, Token};

use super::{Engine, Inner, LISTENERS};
use crate::connection::Connection;
use crate::exchange::Place;
use crate::handler::Handler;
use crate::listener::Listener;
use crate::sinks::Observation;
use crate::trace::EndReason;

/// Connections over the limit that are told so; beyond them the kernel's backlog holds new ones back.
const REFUSED_AT_ONCE: usize = 64;

impl Engine {
    /// Listens on a TCP address. Returns the bound one, which tells the port where 0 was asked for.
    ///
    /// # Errors
    /// What the kernel says: in use, not ours, not permitted.
    pub fn listen_tcp(&self, addr: SocketAddr, reuse_port: bool) -> io::Result<SocketAddr> {
        let listener = Listener::tcp(addr, self.config.backlog, reuse_port)?;
        Ok(self.listen(listener)?.unwrap_or(addr))
    }

    /// Listens on a Unix socket. The file must not exist; removing it is the caller's business.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn listen_unix(&self, path: &Path) -> io::Result<()> {
        self.listen(Listener::unix(path, self.config.backlog)?).map(drop)
    }

    /// Listens on a socket that somebody else bound. Returns its TCP address, if it has one.
    ///
    /// # Errors
    /// What the kernel says, or that it is not a stream socket.
    pub fn listen_fd(&self, fd: OwnedFd) -> io::Result<Option<SocketAddr>> {
        self.listen(Listener::inherited(fd, self.config.backlog)?)
    }

    fn listen(&self, mut listener: Listener) -> io::Result<Option<SocketAddr>> {
        let mut inner = self.lock();
        let token = Token(LISTENERS + inner.listeners.len());
        inner.poll.registry().register(listener.source(), token, Interest::READABLE)?;
        let addr = listener.addr();
        inner.listeners.push(listener);
        Ok(addr)
    }

    /// Stops accepting, closes idle connections, and lets the others finish their exchange.
    pub fn drain(&self, handler: &impl Handler) {
        {
            let mut inner = self.lock();
            inner.shared.draining = true;
            inner.close_listeners();
            inner.end_all(EndReason::Shutdown, Connection::is_idle);
        }
        self.run(handler);
    }

    /// Ends every exchange now, with `EndReason::Shutdown`. The application cancels its handlers.
    pub fn abort(&self, handler: &impl Handler) {
        {
            let mut inner = self.lock();
            inner.shared.draining = true;
            inner.close_listeners();
            inner.end_all(EndReason::Shutdown, |_| true);
        }
        self.run(handler);
    }
}

impl Inner {
    fn close_listeners(&mut self) {
        for mut listener in self.listeners.drain(..) {
            // Closing the descriptor removes it anyway.
            _ = self.poll.registry().deregister(listener.source());
        }
    }

    /// Accepts until the kernel has no more or too many are open.
    pub(super) fn accept(&mut self, index: usize) {
        loop {
            let over_limit = self.connections.len() - self.refused >= self.shared.config.limit_connections;
            if over_limit && self.refused >= REFUSED_AT_ONCE {
                self.paused = true;
                return;
            }
            let Some(listener) = self.listeners.get(index) else { return };
            match listener.accept() {
                Ok((stream, mut peer)) => {
                    peer.proxies = self.shared.proxies_of(&peer);
                    self.serial += 1;
                    let entry = self.connections.vacant_entry();
                    let place = Place { slot: entry.key(), serial: self.serial };
                    entry.insert(Connection::new(stream, place, peer, over_limit, &self.shared));
                    if self.register(place.slot).is_ok() {
                        self.refused += usize::from(over_limit);
                        self.sinks.observe(Observation::Connected { is_refused: over_limit });
                        self.runnable.push_back(place.slot);
                    } else {
                        self.connections.remove(place.slot);
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(_) => {
                    // No descriptors or memory left: the next closed connection or tick tries again.
                    self.paused = true;
                    return;
                }
            }
        }
    }
}
