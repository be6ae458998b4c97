//! How many tenants of which size there are.

use crate::config::Scale;

/// Short name, name, currency, another currency and about what it is worth, time zone.
pub const NAMES: [[&str; 6]; 10] = [
    ["aurora", "Aurora Instruments", "EUR", "USD", "0.91", "Europe/Berlin"],
    ["borealis", "Borealis Systems", "USD", "EUR", "1.1", "America/New_York"],
    ["cascade", "Cascade Supply", "EUR", "CHF", "1.05", "Europe/Paris"],
    ["driftwood", "Driftwood Interiors", "USD", "GBP", "1.28", "America/Chicago"],
    ["eastgate", "Eastgate Tools", "GBP", "EUR", "0.85", "Europe/London"],
    ["fennec", "Fennec Networks", "EUR", "USD", "0.91", "Europe/Madrid"],
    ["gallium", "Gallium Semiconductors", "USD", "EUR", "1.1", "America/Los_Angeles"],
    ["highland", "Highland Foods", "GBP", "USD", "0.78", "Europe/London"],
    ["indigo", "Indigo Textiles", "CHF", "EUR", "0.95", "Europe/Zurich"],
    ["jetty", "Jetty Freight", "EUR", "SEK", "0.088", "Europe/Rome"],
];

/// What part of all rows a tenant has, in percent, and how many people. The first of the large ones is
/// large enough for a page that lies 40,000 rows deep.
const SMALL: &[(u32, u32)] = &[(60, 12), (40, 10)];
const MEDIUM: &[(u32, u32)] = &[(30, 20), (25, 15), (20, 12), (15, 12), (10, 10)];
const LARGE: &[(u32, u32)] = &[
    (20, 40),
    (16, 32),
    (12, 24),
    (10, 20),
    (10, 20),
    (8, 16),
    (8, 16),
    (6, 12),
    (5, 10),
    (5, 10),
];

/// How many rows of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub users: u32,
    pub companies: u32,
    pub contacts: u32,
    pub deals: u32,
    pub leads: u32,
    pub activities: u32,
}

impl Size {
    pub fn rows(self) -> u32 {
        self.users + self.companies + self.contacts + self.deals + self.leads + self.activities
    }
}

impl Scale {
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    /// Of each tenant.
    pub fn sizes(self) -> Vec<Size> {
        let (companies, tenants) = match self {
            Self::Small => (500, SMALL),
            Self::Medium => (5_000, MEDIUM),
            Self::Large => (50_000, LARGE),
        };
        let size = |(percent, users): &(u32, u32)| {
            let companies = companies / 100 * percent;
            Size {
                users: *users,
                companies,
                contacts: companies * 4,
                deals: companies * 2,
                leads: companies / 5 * 4,
                activities: companies * 10,
            }
        };
        tenants.iter().map(size).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_one_is_what_is_measured_with() {
        let of = |part: fn(&Size) -> u32| Scale::Large.sizes().iter().map(part).sum::<u32>();
        assert_eq!((Scale::Large.sizes().len(), of(|size| size.users)), (10, 200));
        assert_eq!((of(|size| size.companies), of(|size| size.contacts)), (50_000, 200_000));
        assert_eq!((of(|size| size.deals), of(|size| size.activities)), (100_000, 500_000));
        assert!(Scale::Large.sizes()[0].activities > 40_000);
        for scale in [Scale::Small, Scale::Medium, Scale::Large] {
            // The nine of the demo are in each; companies come in tens.
            assert!(scale.sizes().iter().all(|size| size.users > 9 && size.companies % 10 == 0));
            assert!(scale.sizes().len() <= NAMES.len());
        }
    }
}
