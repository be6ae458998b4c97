//! From where a request comes: its peer, or whom a proxy that we trust names.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, header},
};
use ipnet::IpNet;

use crate::graphql::Caller;

const USER_AGENT_LENGTH: usize = 200;

pub fn caller(request: &Request, trusted: &[IpNet]) -> Caller {
    let peer = peer(request);
    let headers = request.headers();
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Caller {
        address: peer.map(|peer| address(peer, headers, trusted)),
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_LENGTH).collect()),
    }
}

/// The other end of the connection.
pub fn peer(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(peer)| peer.ip().to_canonical())
}

/// Each proxy adds its own peer at the right. What stands left of the first one that we do not
/// trust, anybody may have written.
fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let named = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|value| value.split(',')).collect();
    let mut address = peer;
    for text in named.iter().rev() {
        if !is_trusted(&address) {
            break;
        }
        let Ok(next) = text.trim().parse::<IpAddr>() else { break };
        address = next.to_canonical();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let from = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            address(peer.parse().unwrap(), &headers, &trusted).to_string()
        };
        assert_eq!(from("192.0.2.1", &[]), "192.0.2.1");
        assert_eq!(from("192.0.2.1", &["198.51.100.1"]), "192.0.2.1", "anybody can write that");
        assert_eq!(from("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["198.51.100.1, nonsense"]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
    }
}
