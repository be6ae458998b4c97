//! Which territory a lead belongs to.

use uuid::Uuid;

/// What belongs into a territory: each part that is there must fit.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub territory: Uuid,
    pub countries: Option<Vec<String>>,
    pub postal_prefixes: Option<Vec<String>>,
    pub industries: Option<Vec<String>>,
    pub employees_min: Option<i32>,
    pub employees_max: Option<i32>,
}

/// What of a lead the rules ask about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    pub country: Option<&'a str>,
    pub postal_code: Option<&'a str>,
    pub industry: Option<&'a str>,
    pub employees: Option<i32>,
}

/// The rule that fits best: the one that asks for most, then the first. `rules` come by their
/// priority, and then by their ids.
pub fn fitting<'a>(rules: &'a [Rule], place: Place<'_>) -> Option<&'a Rule> {
    let mut best: Option<(usize, &Rule)> = None;
    for rule in rules.iter().filter(|rule| rule.fits(place)) {
        let asks = rule.specificity();
        if best.is_none_or(|(most, _)| asks > most) {
            best = Some((asks, rule));
        }
    }
    best.map(|(_, rule)| rule)
}

impl Rule {
    fn fits(&self, place: Place<'_>) -> bool {
        let plain = |text: &str| text.replace(' ', "").to_lowercase();
        let among = |list: &Option<Vec<String>>, value: Option<&str>| {
            list.as_ref().is_none_or(|list| {
                value.is_some_and(|value| list.iter().any(|one| plain(one) == plain(value)))
            })
        };
        let begins = self.postal_prefixes.as_ref().is_none_or(|list| {
            let begins = |code: &str| list.iter().any(|one| plain(code).starts_with(&plain(one)));
            place.postal_code.is_some_and(begins)
        });
        let bounded = |bound: Option<i32>, holds: fn(i32, i32) -> bool| {
            bound.is_none_or(|bound| place.employees.is_some_and(|count| holds(count, bound)))
        };
        among(&self.countries, place.country)
            && begins
            && among(&self.industries, place.industry)
            && bounded(self.employees_min, |count, bound| count >= bound)
            && bounded(self.employees_max, |count, bound| count <= bound)
    }

    /// How many things it asks about; both bounds of a size are one.
    fn specificity(&self) -> usize {
        let size = self.employees_min.is_some() || self.employees_max.is_some();
        let asked = [
            self.countries.is_some(),
            self.postal_prefixes.is_some(),
            self.industries.is_some(),
            size,
        ];
        asked.into_iter().filter(|asked| *asked).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|&word| word.to_owned()).collect())
    }

    fn rule(n: u128) -> Rule {
        Rule { territory: Uuid::from_u128(n), ..Rule::default() }
    }

    #[test]
    fn the_most_specific_wins_and_then_the_first() {
        let rules = [
            Rule { countries: list(&["DE", "AT"]), ..rule(1) },
            Rule { countries: list(&["de"]), ..rule(2) },
            Rule { countries: list(&["DE"]), postal_prefixes: list(&["80", "81"]), ..rule(3) },
            Rule { employees_min: Some(10), employees_max: Some(49), ..rule(4) },
        ];
        let of = |place| fitting(&rules, place).map(|rule| rule.territory.as_u128());
        let germany = Place { country: Some("de"), ..Place::default() };
        assert_eq!(of(germany), Some(1));
        assert_eq!(of(Place { postal_code: Some("8 0331"), ..germany }), Some(3));
        assert_eq!(of(Place { postal_code: Some("10115"), ..germany }), Some(1));
        let sized = |count| of(Place { employees: Some(count), ..Place::default() });
        assert_eq!([sized(9), sized(10), sized(49), sized(50)], [None, Some(4), Some(4), None]);
        assert_eq!(of(Place::default()), None, "what is unknown fits nothing");
    }
}
