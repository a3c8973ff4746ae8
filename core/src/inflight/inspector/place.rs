//! Where the inspector listens.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// Clients that wait to be answered.
const BACKLOG: i32 = 16;

/// A place on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, made with mode 0600.
    Unix(PathBuf),
    /// A port of a loopback address; 0: a free one.
    Loopback(SocketAddr),
}

impl Place {
    /// A socket that listens, and the place with its true port.
    pub(super) fn listen(&self) -> io::Result<(Socket, Self)> {
        let (socket, place) = match self {
            Self::Unix(path) => (listen_unix(path)?, self.clone()),
            Self::Loopback(addr) => {
                let socket = listen_loopback(*addr)?;
                let bound = socket.local_addr()?.as_socket().unwrap_or(*addr);
                (socket, Self::Loopback(bound))
            }
        };
        socket.set_nonblocking(true)?; // what was ready may be gone when it is accepted
        Ok((socket, place))
    }

    /// Takes the file away.
    pub(super) fn remove(&self) {
        if let Self::Unix(path) = self {
            _ = fs::remove_file(path); // somebody else did, or it is not ours to care any more
        }
    }
}

fn listen_loopback(addr: SocketAddr) -> io::Result<Socket> {
    if !addr.ip().is_loopback() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a loopback address"));
    }
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// The file appears under its name when it is listened on and nobody else can connect: whoever tidies up after dead
/// processes knows a socket without a listener as theirs.
fn listen_unix(path: &Path) -> io::Result<Socket> {
    check_free(path)?;
    let mut early = path.to_owned();
    early.set_extension(format!("{}.new", std::process::id()));
    _ = fs::remove_file(&early); // of a process that had our number and died here
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(&early)?)?;
    let ready = fs::set_permissions(&early, Permissions::from_mode(0o600))
        .and_then(|()| socket.listen(BACKLOG))
        .and_then(|()| fs::rename(&early, path));
    if ready.is_err() {
        _ = fs::remove_file(&early); // the first error is the one to tell
    }
    ready.map(|()| socket)
}

/// The socket of a dead process may be replaced, nothing else.
fn check_free(path: &Path) -> io::Result<()> {
    let used = |what| Err(io::Error::new(ErrorKind::AddrInUse, what));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.file_type().is_socket() => used("the file exists and is no socket"),
        Ok(_) if UnixStream::connect(path).is_ok() => used("another server listens there"),
        Ok(_) => Ok(()),
    }
}
