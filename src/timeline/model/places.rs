//! Where what happened with a record is kept.

use Place::{Activities, StageChanges, Trail};

use super::TimelineKind;

/// Where something is kept that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Activities,
    StageChanges,
    /// What the trail says of the record itself.
    Trail,
}

impl Place {
    pub fn tells(self, table: &str, kind: TimelineKind) -> bool {
        match kind {
            TimelineKind::Activity => self == Activities,
            TimelineKind::StageChange => self == StageChanges,
            // A deal's first step tells that it was made.
            TimelineKind::Created => self == Trail && table != "deals",
            _ => self == Trail,
        }
    }
}

/// Records whose entries belong to a timeline: the one whose it is, and others that name it.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub table: &'static str,
    /// How they name the one whose timeline it is.
    pub key: &'static str,
    /// How activities name them.
    pub named: &'static str,
    pub places: &'static [Place],
}

const fn source(
    (table, key): (&'static str, &'static str),
    named: &'static str,
    places: &'static [Place],
) -> Source {
    Source { table, key, named, places }
}

/// What happened with a company, and with its people and deals; how these were changed is in their own
/// timelines.
const OF_COMPANY: &[Source] = &[
    source(("companies", "id"), "company_id", &[Activities, Trail]),
    source(("contacts", "company_id"), "contact_id", &[Activities]),
    source(("deals", "company_id"), "deal_id", &[Activities, StageChanges]),
];
const OF_CONTACT: &[Source] = &[
    source(("contacts", "id"), "contact_id", &[Activities, Trail]),
    source(("deals", "contact_id"), "deal_id", &[Activities, StageChanges]),
];
const OF_DEAL: &[Source] =
    &[source(("deals", "id"), "deal_id", &[Activities, StageChanges, Trail])];
/// A lead, and those that were found to be the same.
const OF_LEAD: &[Source] = &[
    source(("leads", "id"), "lead_id", &[Activities, Trail]),
    source(("leads", "merged_into_id"), "lead_id", &[Activities, Trail]),
];

pub fn sources(table: &str) -> &'static [Source] {
    match table {
        "companies" => OF_COMPANY,
        "contacts" => OF_CONTACT,
        "deals" => OF_DEAL,
        "leads" => OF_LEAD,
        _ => &[],
    }
}

/// The columns whose changes are worth telling by themselves. What follows from something else that is
/// told (a step of a deal, an answer to a lead) is not.
pub fn told(table: &str) -> &'static [&'static str] {
    match table {
        "companies" => &[
            "name",
            "domain",
            "industry",
            "phone",
            "postal_code",
            "city",
            "country",
            "employees",
            "annual_revenue",
            "annual_revenue_currency",
            "territory_id",
        ],
        "contacts" => {
            &["first_name", "last_name", "email", "phone", "title", "company_id", "territory_id"]
        }
        "deals" => &[
            "name",
            "company_id",
            "contact_id",
            "territory_id",
            "amount",
            "amount_currency",
            "probability",
            "forecast",
            "expected_close_on",
            "hold_until",
        ],
        "leads" => &[
            "name",
            "organisation",
            "email",
            "phone",
            "source",
            "industry",
            "employees",
            "country",
            "postal_code",
            "city",
            "territory_id",
            "nurture_until",
        ],
        _ => &[],
    }
}
