//! When two records may be the same: decided on what the database found to be near.

use std::collections::HashSet;

use super::values::DuplicateReason;

/// Providers of mailboxes: who has an address there says nothing of where they work.
const MAILBOXES: [&str; 24] = [
    "aol.com",
    "fastmail.com",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "t-online.de",
    "web.de",
    "yahoo.com",
    "yandex.ru",
];

/// From here on two names are alike, out of a hundred.
const ALIKE: i32 = 60;
const OF_PHONE: i32 = 90;
const OF_DOMAIN: i32 = 40;

/// What stands behind the @, where that says where somebody works.
pub fn domain_of(email: &str) -> Option<String> {
    let (_, domain) = email.rsplit_once('@')?;
    let domain = domain.to_lowercase();
    (!MAILBOXES.contains(&domain.as_str())).then_some(domain)
}

/// What is the same in every notation of a telephone number; the database has the same rule.
pub fn phone_tail(phone: &str) -> Option<String> {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    let tail = digits.get(digits.len().saturating_sub(8)..)?;
    (!tail.is_empty()).then(|| tail.iter().collect())
}

/// What of a record is compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traits {
    pub name: String,
    pub organisation: Option<String>,
    pub email: Option<String>,
    pub domain: Option<String>,
    pub phone_tail: Option<String>,
}

impl Traits {
    pub fn of(
        name: &str,
        organisation: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Self {
        Self {
            name: name.to_lowercase(),
            organisation: organisation.map(str::to_lowercase),
            email: email.map(str::to_lowercase),
            domain: email.and_then(domain_of),
            phone_tail: phone.and_then(phone_tail),
        }
    }

    fn whole(&self) -> String {
        format!("{} {}", self.name, self.organisation.as_deref().unwrap_or_default())
    }
}

/// How much two records are alike, out of a hundred, and by what; `None`: not enough to tell.
pub fn likeness(one: &Traits, other: &Traits) -> Option<(DuplicateReason, i32)> {
    let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    if same(&one.email, &other.email) {
        return Some((DuplicateReason::Email, 100));
    }
    // Fewer than six digits are an extension.
    let number = one.phone_tail.as_ref().is_some_and(|tail| tail.len() >= 6);
    if number && same(&one.phone_tail, &other.phone_tail) {
        return Some((DuplicateReason::Phone, OF_PHONE));
    }
    let both_work = one.organisation.is_some() && other.organisation.is_some();
    let names = similarity(&one.name, &other.name);
    let whole = if both_work { similarity(&one.whole(), &other.whole()) } else { names };
    if names >= ALIKE && whole >= ALIKE {
        return Some((DuplicateReason::Name, whole.min(99)));
    }
    same(&one.domain, &other.domain).then_some((DuplicateReason::Domain, OF_DOMAIN))
}

/// Are they alike enough to be called the same? A colleague is not.
pub fn is_strong(similarity: i32) -> bool {
    similarity >= ALIKE
}

/// How much of their trigrams two texts share, out of a hundred: the measure of `pg_trgm`, which
/// does not mind the order of words.
fn similarity(one: &str, other: &str) -> i32 {
    let (one, other) = (trigrams(one), trigrams(other));
    let (shared, all) = (one.intersection(&other).count(), one.union(&other).count());
    i32::try_from(shared * 100 / all.max(1)).unwrap_or_default()
}

fn trigrams(text: &str) -> HashSet<[char; 3]> {
    let mut grams = HashSet::new();
    for word in
        text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
    {
        let padded: Vec<char> = "  ".chars().chain(word.chars()).chain([' ']).collect();
        grams.extend(padded.windows(3).filter_map(|window| <[char; 3]>::try_from(window).ok()));
    }
    grams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measure_is_that_of_the_database() {
        // SELECT similarity('ada lovelace', 'lovelace ada'), …
        assert_eq!(similarity("ada lovelace", "lovelace ada"), 100);
        assert_eq!(similarity("word", "two words"), 36);
        assert_eq!(similarity("ada", "bob"), 0);
        assert_eq!(similarity("", ""), 0);
    }

    #[test]
    fn what_makes_two_the_same() {
        let ada = Traits::of(
            "Ada Lovelace",
            Some("Engines Ltd"),
            Some("ada@engines.example"),
            Some("+44 20 1234 5678"),
        );
        let told = |other: &Traits| likeness(&ada, other);
        let mailed = Traits::of("A. L.", None, Some("ADA@engines.example"), None);
        assert_eq!(told(&mailed), Some((DuplicateReason::Email, 100)));
        let called = Traits::of("Augusta", None, None, Some("(020) 12345678"));
        assert_eq!(told(&called), Some((DuplicateReason::Phone, 90)));
        let typo = Traits::of("Ada Lovelacee", Some("Engines Ltd."), None, None);
        assert!(matches!(told(&typo), Some((DuplicateReason::Name, 60..=99))), "{:?}", told(&typo));
        let namesake = Traits::of("Ada Lovelace", Some("Bakery"), None, None);
        assert_eq!(told(&namesake), None);
        let colleague = Traits::of("Charles", None, Some("charles@engines.example"), None);
        assert_eq!(told(&colleague), Some((DuplicateReason::Domain, 40)));
        assert!(!is_strong(40) && is_strong(60));
    }

    #[test]
    fn a_mailbox_is_no_employer() {
        assert_eq!(domain_of("ada@Gmail.com"), None);
        assert_eq!(domain_of("ada@Engines.example").as_deref(), Some("engines.example"));
        assert_eq!(phone_tail("+49 (89) 123-45").as_deref(), Some("98912345"));
        assert_eq!(phone_tail("ext."), None);
    }
}
