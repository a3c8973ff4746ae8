//! Answers `GET /inflight` on a socket of this machine, from a thread of its own.
//!
//! One short conversation after the other, each with a deadline. A Unix socket is guarded by its mode. A loopback port is
//! open to every program of this machine and, through browsers, to web pages: hence the checks of `Host` (a page that
//! rebinds its name in DNS sends that name) and of `Origin`, which only pages send.

mod answer;
mod conversation;
mod place;
#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::Socket;

pub use place::Place;

use self::conversation::converse;
use super::description::Description;
use crate::engine::View;

/// The thread that answers. Dropped, it ends, and its socket's file is gone.
#[derive(Debug)]
pub struct Inspector {
    place: Place,
    /// The thread ends when this does.
    life: UnixStream,
}

impl Inspector {
    /// Listens, and starts the thread.
    ///
    /// # Errors
    /// What the system says about the place; `InvalidInput` for an address that is not this machine's loopback;
    /// `AddrInUse` for a path at which somebody listens, or which is no socket.
    pub fn open(place: &Place, description: Description, view: View) -> io::Result<Self> {
        let (listener, place) = place.listen()?;
        let (life, watched) = UnixStream::pair()?;
        let is_open = matches!(place, Place::Loopback(_));
        let thread = thread::Builder::new().name("wirespan-inspect".to_owned());
        let answer = move || view.snapshot().map(|snapshot| description.json(&snapshot));
        let spawned = thread.spawn(move || serve(&listener, &watched, is_open, &answer));
        let inspector = Self { place, life };
        spawned.map(|_| inspector)
    }

    /// Where it is asked: with the port that the system chose where 0 was asked for.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }
}

impl Drop for Inspector {
    fn drop(&mut self) {
        self.place.remove();
        _ = self.life.write_all(b"."); // its end alone would do; this is sooner seen where a fork has a copy of it
    }
}

/// `is_open`: others than the socket's owner can connect.
fn serve(listener: &Socket, life: &UnixStream, is_open: bool, answer: &dyn Fn() -> Option<String>) {
    loop {
        let mut ready =
            [PollFd::new(listener.as_fd(), PollFlags::POLLIN), PollFd::new(life.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return,
        }
        if ready[1].any().unwrap_or(true) {
            return;
        }
        if let Ok((socket, _)) = listener.accept() {
            // A client that went away or dawdles has itself to blame.
            _ = converse(&socket, is_open, answer);
        }
    }
}
