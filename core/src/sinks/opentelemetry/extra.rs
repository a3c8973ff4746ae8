//! Opt-in attributes of the HTTP conventions: one row of [`Extra::ALL`] each.

use super::ends::shown;
use super::list::{List, Output};
use crate::exchange::{Endpoint, Exchange};
use crate::otlp::AttributeName;
use crate::trace::Record;

/// In the order of [`Extra::ALL`].
static NAMES: [AttributeName; 9] = [
    AttributeName::new("client.port"),
    AttributeName::new("network.local.address"),
    AttributeName::new("network.local.port"),
    AttributeName::new("network.transport"),
    AttributeName::new("http.request.size"),
    AttributeName::new("http.response.size"),
    AttributeName::new("http.request.body.size"),
    AttributeName::new("http.response.body.size"),
    AttributeName::new("user_agent.synthetic.type"),
];

/// An attribute that spans have only when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// The client's port, where it is known behind proxies.
    ClientPort,
    /// Our address on this connection.
    LocalAddress,
    /// Our port.
    LocalPort,
    /// `tcp` or `unix`.
    Transport,
    /// All bytes of the request on the wire.
    RequestSize,
    /// All bytes of the response on the wire.
    ResponseSize,
    /// Bytes of its body, as they were sent.
    RequestBodySize,
    /// Bytes of its body, as they were sent.
    ResponseBodySize,
    /// `bot` or `test`, by `User-Agent`; absent for all others.
    SyntheticType,
}

impl Extra {
    /// All, under the conventions' names.
    pub const ALL: [(Self, &str); 9] = [
        (Self::ClientPort, NAMES[0].as_str()),
        (Self::LocalAddress, NAMES[1].as_str()),
        (Self::LocalPort, NAMES[2].as_str()),
        (Self::Transport, NAMES[3].as_str()),
        (Self::RequestSize, NAMES[4].as_str()),
        (Self::ResponseSize, NAMES[5].as_str()),
        (Self::RequestBodySize, NAMES[6].as_str()),
        (Self::ResponseBodySize, NAMES[7].as_str()),
        (Self::SyntheticType, NAMES[8].as_str()),
    ];

    /// By its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find_map(|(extra, known)| (known == name).then_some(extra))
    }

    fn name(self) -> &'static AttributeName {
        &NAMES[self as usize]
    }

    /// Adds it where it is known.
    pub(super) fn put(self, list: &mut List<'_, impl Output>, exchange: &Exchange, record: &Record) {
        let local = exchange.peer().server.as_ref();
        let number = match self {
            Self::ClientPort => {
                exchange.client().map(Endpoint::port).filter(|port| *port != 0).map(u64::from)
            }
            Self::LocalPort => local.map(|end| end.port().into()),
            Self::RequestSize => Some(record.recv_size),
            Self::ResponseSize => Some(record.send_size),
            Self::RequestBodySize => Some(record.recv_body_size),
            Self::ResponseBodySize => Some(record.send_body_size),
            Self::LocalAddress => {
                return local.into_iter().for_each(|end| list.text(self.name(), &shown(end)));
            }
            Self::Transport => {
                return list.text(self.name(), if local.is_some() { "tcp" } else { "unix" });
            }
            Self::SyntheticType => {
                let agent = exchange.request().and_then(|request| request.value(b"user-agent"));
                return agent
                    .and_then(synthetic_type)
                    .into_iter()
                    .for_each(|kind| list.text(self.name(), kind));
            }
        };
        if let Some(number) = number {
            list.number(self.name(), number);
        }
    }
}

/// Words in the `User-Agent` of clients that no person sits at. Monitors first: some of them call themselves bots.
const SYNTHETIC: [(&str, &str); 9] = [
    ("alwayson", "test"),
    ("pingdom", "test"),
    ("synthetic", "test"),
    ("uptimerobot", "test"),
    ("statuscake", "test"),
    ("bot", "bot"),
    ("crawler", "bot"),
    ("spider", "bot"),
    ("slurp", "bot"),
];

fn synthetic_type(agent: &[u8]) -> Option<&'static str> {
    let agent = agent.to_ascii_lowercase();
    let has = |word: &str| memchr::memmem::find(&agent, word.as_bytes()).is_some();
    SYNTHETIC.into_iter().find_map(|(word, kind)| has(word).then_some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_both_ways() {
        for (extra, name) in Extra::ALL {
            assert_eq!((Extra::from_name(name), extra.name().as_str()), (Some(extra), name));
        }
        assert_eq!(Extra::from_name("http.request.body.content"), None);
    }

    #[test]
    fn robots_are_told_from_people() {
        for (agent, expected) in [
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Some("bot")),
            ("Mozilla/5.0 (compatible; Yahoo! Slurp)", Some("bot")),
            ("Mozilla/5.0+(compatible; UptimeRobot/2.0)", Some("test")),
            ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", None),
            ("curl/8.5.0", None),
            ("", None),
        ] {
            assert_eq!(synthetic_type(agent.as_bytes()), expected, "{agent}");
        }
    }
}
