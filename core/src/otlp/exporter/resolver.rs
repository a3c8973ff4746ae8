//! Addresses of a receiver, looked up now and then.
//!
//! The HTTP client asks before each request, also when it has a connection, and for a look-up that may be given up it
//! starts a thread. A batch is sent ten to a hundred times a second.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long an answer is good. A receiver that moves is found after this.
const LIFETIME: Duration = Duration::from_secs(2);

/// For an agent that asks one receiver only: it remembers one answer, whatever the name.
#[derive(Debug, Default)]
pub(super) struct Remembering {
    inner: DefaultResolver,
    known: Mutex<Option<(Instant, ResolvedSocketAddrs)>>,
}

impl Remembering {
    fn known(&self) -> MutexGuard<'_, Option<(Instant, ResolvedSocketAddrs)>> {
        // A whole value or none: whatever panicked, it can be read.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver for Remembering {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        if let Some((_, addresses)) = self.known().clone().filter(|(at, _)| at.elapsed() < LIFETIME) {
            return Ok(addresses);
        }
        let addresses = self.inner.resolve(uri, config, timeout)?;
        *self.known() = Some((Instant::now(), addresses.clone()));
        Ok(addresses)
    }
}
