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

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "http://127.0.0.1:1";
    const SECOND: &str = "http://127.0.0.1:2";

    fn port(resolver: &Remembering, uri: &str) -> Option<u16> {
        let uri: Uri = uri.parse().expect("a URI");
        let found = resolver.resolve(&uri, &Config::default(), NextTimeout::default()).ok()?;
        found.first().map(std::net::SocketAddr::port)
    }

    fn expire(resolver: &Remembering) {
        let before = Instant::now().checked_sub(LIFETIME).expect("a machine that has run for two seconds");
        resolver.known().as_mut().expect("an answer").0 = before;
    }

    #[test]
    fn an_answer_is_good_for_its_lifetime_whatever_is_asked() {
        let resolver = Remembering::default();
        assert_eq!(port(&resolver, FIRST), Some(1));
        assert_eq!(port(&resolver, SECOND), Some(1));
    }

    #[test]
    fn an_old_answer_is_looked_up_again() {
        let resolver = Remembering::default();
        assert_eq!(port(&resolver, FIRST), Some(1));
        expire(&resolver);
        assert_eq!(port(&resolver, SECOND), Some(2));
        assert_eq!(port(&resolver, FIRST), Some(2), "the new one is remembered");
    }

    #[test]
    fn a_failure_is_told_and_not_remembered() {
        let resolver = Remembering::default();
        assert_eq!(port(&resolver, "/no-host"), None);
        assert_eq!(port(&resolver, FIRST), Some(1));
        expire(&resolver);
        assert_eq!(port(&resolver, "/no-host"), None, "an address that was left long ago is not tried");
        assert_eq!(port(&resolver, SECOND), Some(2));
    }
}
