//! Which territory something belongs into.

use super::values::{Demand, Place};

/// Which of the demands fits best, by its place: the one that asks for most, and of those the first.
/// They come in the order of priority, then age.
pub fn fitting<'a>(
    demands: impl IntoIterator<Item = Demand<'a>>,
    place: Place<'_>,
) -> Option<usize> {
    let mut best: Option<(usize, usize)> = None;
    for (at, demand) in demands.into_iter().enumerate().filter(|(_, demand)| fits(demand, place)) {
        let asks = specificity(&demand);
        if best.is_none_or(|(most, _)| asks > most) {
            best = Some((asks, at));
        }
    }
    best.map(|(_, at)| at)
}

fn fits(demand: &Demand<'_>, place: Place<'_>) -> bool {
    let among = |list: Option<&[String]>, value: Option<&str>| {
        list.is_none_or(|list| value.is_some_and(|value| list.iter().any(|one| same(one, value))))
    };
    let begins = demand.postal_prefixes.is_none_or(|prefixes| {
        let code = place.postal_code.map(bare);
        code.is_some_and(|code| prefixes.iter().any(|prefix| code.starts_with(&bare(prefix))))
    });
    let at_least = demand.employees_min;
    let at_most = demand.employees_max;
    among(demand.countries, place.country)
        && begins
        && among(demand.industries, place.industry)
        && at_least.is_none_or(|least| place.employees.is_some_and(|there| there >= least))
        && at_most.is_none_or(|most| place.employees.is_some_and(|there| there <= most))
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.trim().to_lowercase()
}

/// A postal code as it is compared.
fn bare(code: &str) -> String {
    code.replace(' ', "").to_lowercase()
}

/// How many things are asked for; both ends of a size are one.
fn specificity(demand: &Demand<'_>) -> usize {
    let size = demand.employees_min.is_some() || demand.employees_max.is_some();
    let lists = [demand.countries, demand.postal_prefixes, demand.industries];
    lists.iter().filter(|list| list.is_some()).count() + usize::from(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn the_most_specific_wins_then_the_first() {
        let (de, de_at) = (words(&["DE"]), words(&["DE", "AT"]));
        let (eight, eighty) = (words(&["8"]), words(&["80"]));
        let of = |countries, prefixes: Option<&'static str>| Demand {
            countries: Some(countries),
            postal_prefixes: match prefixes {
                Some("8") => Some(&eight[..]),
                Some(_) => Some(&eighty[..]),
                None => None,
            },
            ..Demand::default()
        };
        let rules = [of(&de[..], None), of(&de[..], Some("8")), of(&de_at[..], Some("80"))];
        let germany =
            Place { country: Some("de"), postal_code: Some("80 331"), ..Place::default() };
        let austria = Place { country: Some("AT"), postal_code: Some("80"), ..Place::default() };
        assert_eq!(fitting(rules, germany), Some(1));
        assert_eq!(fitting(rules, austria), Some(2));
        assert_eq!(fitting(rules, Place::default()), None, "what is unknown fits nothing");
    }

    #[test]
    fn sizes_have_two_ends() {
        let small =
            Demand { employees_min: Some(10), employees_max: Some(49), ..Demand::default() };
        let of = |employees| fitting([small], Place { employees, ..Place::default() });
        assert_eq!((of(Some(10)), of(Some(49))), (Some(0), Some(0)));
        assert_eq!((of(Some(9)), of(Some(50)), of(None)), (None, None, None));
    }
}
