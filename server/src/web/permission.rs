//! Who may press Rerun, Abort and Replay.
//!
//! Until there is a login, two kinds of request may change something: one for
//! a job whose rerun rules allow anyone, as with Deck, and one that comes from
//! this very machine: peer *and* Host are loopback and no proxy stands
//! between. Everybody else is told why not.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};

/// The outcome, with the words that the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Go ahead; `who` stands in the audit row and in the job's description.
    Allowed {
        /// The acting user.
        who: String,
    },
    /// Not allowed; a sentence why.
    Denied {
        /// What the page and the answer say.
        reason: String,
    },
}

impl Permission {
    /// Whether the action may go on.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The TCP peer.
    pub peer: Option<SocketAddr>,
    /// The request's headers.
    pub headers: HeaderMap,
}

/// The name of those who need none, because a job lets anyone rerun it.
pub const ANONYMOUS: &str = "anonymous";

/// The name that stands for a person at this machine.
const LOCAL_USER: &str = "localhost";

/// Headers that a reverse proxy adds: the peer is then not the person.
const PROXY_HEADERS: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

impl Caller {
    /// Decides; `trust_loopback` is the embedded default's rule, and
    /// `allow_anyone` what the job's or Deck's rerun rules say.
    pub fn may_change(&self, trust_loopback: bool, allow_anyone: bool) -> Permission {
        if trust_loopback && self.is_local() {
            return Permission::Allowed { who: LOCAL_USER.to_owned() };
        }
        if allow_anyone {
            return Permission::Allowed { who: ANONYMOUS.to_owned() };
        }
        let reason = if trust_loopback {
            "Only a browser on the machine that runs this server may do that (by way of \
             http://localhost), because login is not set up."
        } else {
            "Nobody may do that here, because login is not set up and the job's \
             rerun_auth_config does not allow anyone."
        };
        Permission::Denied { reason: reason.to_owned() }
    }

    fn is_local(&self) -> bool {
        let peer_is_local = self.peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
        let host_is_local = self
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .is_some_and(is_loopback_host);
        let proxied = PROXY_HEADERS.iter().any(|name| self.headers.contains_key(*name));
        peer_is_local && host_is_local && !proxied
    }
}

/// Whether a `Host` value names this machine. A name that merely *resolves* to
/// loopback does not count: that is how DNS rebinding works.
fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(peer: &str, host: &str) -> Caller {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header value"));
        Caller { peer: Some(peer.parse().expect("an address")), headers }
    }

    #[test]
    fn only_loopback_peer_with_loopback_host_is_trusted() {
        for (peer, host, allowed) in [
            ("127.0.0.1:5000", "localhost:8080", true),
            ("127.0.0.1:5000", "127.0.0.1:8080", true),
            ("[::1]:5000", "[::1]:8080", true),
            ("[::ffff:127.0.0.1]:5000", "LOCALHOST", true),
            ("127.0.0.1:5000", "ci.example.com", false),
            ("127.0.0.1:5000", "localhost.evil.example:8080", false),
            ("192.0.2.7:5000", "localhost:8080", false),
        ] {
            let decided = caller(peer, host).may_change(true, false);
            assert_eq!(decided.is_allowed(), allowed, "{peer} asking {host}");
        }
    }

    #[test]
    fn a_proxy_on_this_machine_is_not_a_person_on_this_machine() {
        let mut caller = caller("127.0.0.1:5000", "localhost:8080");
        caller.headers.insert("x-forwarded-for", "192.0.2.7".parse().expect("a header value"));
        assert!(!caller.may_change(true, false).is_allowed());
    }

    #[test]
    fn a_job_that_allows_anyone_needs_no_place() {
        let far = caller("192.0.2.7:5000", "ci.example.com");
        assert!(far.may_change(false, true).is_allowed());
        assert!(!far.may_change(false, false).is_allowed());
    }
}
