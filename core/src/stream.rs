//! One accepted socket: the choice of transport at run time, and reads with the kernel's time stamp.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, RawFd};

use mio::net::{TcpStream, UnixStream};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::sys::time::TimeSpec;

/// A connected, non-blocking socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What one read brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    /// Bytes; 0: the peer will send no more.
    pub len: usize,
    /// Wall-clock nanoseconds at which the kernel had them, where it says so.
    pub wall_ns: Option<u64>,
}

impl Stream {
    pub(crate) fn recv(&mut self, buf: &mut [u8]) -> io::Result<Received> {
        let len = match self {
            Self::Tcp(stream) => stream.read(buf),
            Self::Unix(stream) => stream.read(buf),
        }?;
        Ok(Received { len, wall_ns: None })
    }

    /// As `recv`, with the kernel's receive time. `control` is scratch space for it.
    pub(crate) fn recv_stamped(&mut self, buf: &mut [u8], control: &mut [u8]) -> io::Result<Received> {
        let Self::Tcp(_) = self else { return self.recv(buf) };
        let mut slices = [IoSliceMut::new(buf)];
        let message = recvmsg::<()>(self.as_raw_fd(), &mut slices, Some(control), MsgFlags::MSG_DONTWAIT)?;
        let stamp = message.cmsgs().ok().and_then(|mut all| all.find_map(|m| software_stamp(&m)));
        Ok(Received { len: message.bytes, wall_ns: stamp })
    }

    pub(crate) fn send(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, pieces) {
            (Self::Tcp(stream), [one]) => stream.write(one),
            (Self::Tcp(stream), _) => stream.write_vectored(pieces),
            (Self::Unix(stream), [one]) => stream.write(one),
            (Self::Unix(stream), _) => stream.write_vectored(pieces),
        }
    }

    /// Sends FIN; what the peer still sends is read until it stops.
    pub(crate) fn shutdown_write(&self) {
        let how = std::net::Shutdown::Write;
        // The peer may be gone already: then there is nobody to tell.
        _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }

    pub(crate) fn source(&mut self) -> &mut dyn mio::event::Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        }
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }
}

fn software_stamp(message: &ControlMessageOwned) -> Option<u64> {
    let ControlMessageOwned::ScmTimestampsns(stamps) = message else { return None };
    let stamp: TimeSpec = stamps.system;
    let seconds = u64::try_from(stamp.tv_sec()).ok().filter(|s| *s > 0)?;
    Some(seconds * 1_000_000_000 + u64::try_from(stamp.tv_nsec()).ok()?)
}
