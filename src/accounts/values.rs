//! An e-mail address.

use crate::error::{ErrorCode, Problem};

const MAX: usize = 254;

/// An e-mail address: plain, so that no other letter looks like one of it, and in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub fn parse(text: String) -> Result<Self, Problem> {
        let text = text.trim().to_lowercase();
        let plain = |c: char| c.is_ascii_graphic() && !"<>()[]\\,;:\"".contains(c);
        let sound = |(local, domain): (&str, &str)| {
            (1..=64).contains(&local.len())
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-'))
        };
        let whole = text.len() <= MAX && text.chars().all(plain) && text.matches('@').count() == 1;
        if whole && text.split_once('@').is_some_and(sound) {
            return Ok(Self(text));
        }
        let told = "must be an e-mail address, such as ada@acme.example";
        Err(Problem::new(ErrorCode::Invalid, ["email"], told))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
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
            "a@b@c.example",
            "a@b..example",
            &long,
        ] {
            assert!(Email::parse(text.into()).is_err(), "{text}");
        }
    }
}
