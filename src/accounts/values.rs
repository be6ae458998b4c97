//! Addresses: of mail, and of machines.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::{ErrorCode, Problem};

const MAX: usize = 254;

/// An e-mail address: plain, so that no other letter looks like one of it, and in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl Email {
    pub fn parse(text: String) -> Result<Self, Problem> {
        let text = text.trim();
        let plain = |c: char| c.is_ascii_graphic() && !"<>()[]\\,;:\"".contains(c);
        let sound = |(local, domain): (&str, &str)| {
            (1..=64).contains(&local.len())
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-'))
        };
        let whole = text.len() <= MAX && text.chars().all(plain) && text.matches('@').count() == 1;
        if whole && text.split_once('@').is_some_and(sound) {
            // Folded only now: a Kelvin sign would become a k.
            return Ok(Self(text.to_ascii_lowercase()));
        }
        let told = "must be an e-mail address, such as ada@acme.example";
        Err(Problem::new(ErrorCode::Invalid, ["email"], told))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const MOST_ADDRESSES: usize = 50;

/// Addresses and nets, as people write them.
pub fn addresses(field: &str, list: Vec<String>) -> Result<Vec<IpNet>, Problem> {
    let refuse = |told: String| Err(Problem::new(ErrorCode::Invalid, [field], told));
    if list.len() > MOST_ADDRESSES {
        return refuse(format!("has more than {MOST_ADDRESSES} addresses"));
    }
    let mut nets = Vec::new();
    for text in list {
        let text = text.trim();
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match net {
            Ok(net) => nets.push(net.trunc()),
            Err(_) => return refuse(format!("\"{text:.50}\" is no address or net")),
        }
    }
    nets.sort();
    nets.dedup();
    Ok(nets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_and_in_lower_case() {
        assert_eq!(
            Email::parse(" Ada.L+crm@Acme.Example ".into()).unwrap().as_str(),
            "ada.l+crm@acme.example"
        );
        let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(190));
        // The Cyrillic а looks like the Latin one.
        for text in [
            "",
            "ada",
            "ada@",
            "@acme.example",
            "ada@acme",
            "a b@acme.example",
            "а@acme.example",
            "mi\u{212A}e@acme.example",
            "a@b@c.example",
            "a@b..example",
            &long,
        ] {
            assert!(Email::parse(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_a_net_of_one() {
        let read = |list: &[&str]| addresses("x", list.iter().map(ToString::to_string).collect());
        let nets = read(&["203.0.113.7/24", " 10.0.0.1", "2001:db8::/32", "10.0.0.1"]).unwrap();
        let texts: Vec<_> = nets.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.1/32", "203.0.113.0/24", "2001:db8::/32"]);
        for text in ["", "localhost", "10.0.0.1/33", "10.0.0.256", "10.0.0.1-10.0.0.9"] {
            assert!(read(&[text]).is_err(), "{text}");
        }
        assert!(read(&["10.0.0.1"; 51]).is_err());
    }
}
