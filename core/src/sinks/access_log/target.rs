//! Where the lines go. Writing never waits for ever on a descriptor that can say "not now".

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long one wait for a slow reader lasts before it is asked whether to go on, in milliseconds.
const WAIT_MS: u16 = 100;

/// Where an access log goes.
#[derive(Debug)]
pub enum Target {
    /// Appended to; created where it does not exist. Can be reopened after log rotation.
    Path(PathBuf),
    /// A descriptor that the log may keep.
    Fd(OwnedFd),
    /// The process's standard output.
    Stdout,
}

impl Target {
    pub(super) fn open(self) -> Result<File, Error> {
        match self {
            Self::Path(path) => open_path(&path),
            Self::Fd(fd) => Ok(File::from(fd)),
            Self::Stdout => Ok(File::from(std::io::stdout().as_fd().try_clone_to_owned()?)),
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Fd(_) | Self::Stdout => None,
        }
    }
}

/// Opens for appending. Non-blocking, which regular files ignore: a FIFO nobody reads is an error, not a hang.
pub(super) fn open_path(path: &Path) -> Result<File, Error> {
    OpenOptions::new().append(true).create(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

/// Writes all of `bytes`, or returns how many were written and why not more. `gives_up` is asked from time to
/// time while the reader takes nothing.
pub(super) fn write_all(
    file: &mut File,
    bytes: &[u8],
    gives_up: impl Fn() -> bool,
) -> Result<(), (usize, Error)> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
            Ok(n) => written += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && !gives_up() => wait(file),
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}

fn wait(file: &File) {
    let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
    // Whatever it returns, the next write says what matters.
    _ = poll(&mut fds, PollTimeout::from(WAIT_MS));
}
