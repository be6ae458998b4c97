//! What happened in the demo, the same in both tenants.

use crate::{
    activities::ActivityKind::{self, *},
    leads::LeadStatus::{self, *},
};

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// First name, last name, what they are, and where.
    Contact(&'static str, &'static str, &'static str, &'static str),
    /// Its name, whose it is, in thousands, in the other currency, and in how many days from now it is
    /// expected to close.
    Deal(&'static str, &'static str, i64, bool, i64),
    /// To a stage, for a reason.
    Move(&'static str, &'static str, Option<&'static str>),
    /// Name, organisation, source, country, employees.
    Lead(&'static str, &'static str, &'static str, &'static str, i32),
    Step(&'static str, LeadStatus),
    /// About whom, what, in a line; by them.
    Did(&'static str, ActivityKind, &'static str, bool),
    /// About whom, what, in a line, and in how many days from now it is due.
    Plan(&'static str, ActivityKind, &'static str, i64),
    /// What was planned is done.
    Done(&'static str),
    /// Whom or what, with a tag.
    Tag(&'static str, &'static str),
}

use Act::*;

pub const TAGS: [(&str, &str); 5] = [
    ("Key account", "#b45309"),
    ("Newsletter", "#0369a1"),
    ("Reference", "#15803d"),
    ("Trade fair", "#a16207"),
    ("Churn risk", "#b91c1c"),
];

/// A territory, the one above it, and the countries that belong there.
pub const TERRITORIES: [(&str, Option<&str>, &[&str]); 5] = [
    ("Europe", None, &["IE", "PT"]),
    ("North America", None, &[]),
    ("DACH", Some("Europe"), &["DE", "AT"]),
    ("Nordics", Some("Europe"), &["NO", "SE"]),
    ("United States", Some("North America"), &["US"]),
];

/// By how many days ago it was.
pub const STORY: &[(i64, Act)] = &[
    (84, Contact("Paula", "Vogt", "Head of Logistics", "Amber Logistics")),
    (84, Contact("Jens", "Krause", "Buyer", "Amber Logistics")),
    (84, Contact("Susan", "Chen", "Chief Technology Officer", "Beacon Analytics")),
    (84, Contact("Marcus", "Hill", "Head of Procurement", "Cedar Foods")),
    (84, Contact("Aoife", "Byrne", "Director", "Delta Clinics")),
    (84, Contact("Ingrid", "Dahl", "Head of Operations", "Ember Energy")),
    (84, Contact("Lars", "Holm", "Engineer", "Ember Energy")),
    (84, Contact("Dana", "Cole", "Producer", "Falcon Films")),
    (84, Contact("Victor", "Stone", "Chief Executive", "Granite Builders")),
    (84, Contact("Heike", "Lorenz", "Head of Claims", "Harbor Insurance")),
    (84, Contact("Rosa", "Delgado", "Plant Manager", "Iron Motors")),
    (84, Contact("Tom", "Baker", "Buyer", "Iron Motors")),
    (84, Contact("Klara", "Huber", "Head of Administration", "Juniper Schools")),
    (84, Contact("Noah", "Keystone", "Partner", "Keystone Legal")),
    (84, Contact("Beatriz", "Ramos", "Head of Networks", "Lumen Telecom")),
    (84, Tag("Susan Chen", "Newsletter")),
    (84, Tag("Tom Baker", "Newsletter")),
    (84, Tag("Ingrid Dahl", "Trade fair")),
    (80, Deal("Fleet renewal", "Amber Logistics", 120, false, -35)),
    (79, Did("Fleet renewal", Meeting, "Kick-off with logistics and purchasing", false)),
    (76, Deal("Plant extension", "Iron Motors", 480, false, -20)),
    (76, Tag("Plant extension", "Key account")),
    (74, Move("Fleet renewal", "Needs", None)),
    (72, Did("Rosa Delgado", Call, "Asked for references in manufacturing", true)),
    (70, Move("Plant extension", "Needs", None)),
    (66, Lead("Greta Lindqvist", "Polar Outfitters", "Trade fair", "SE", 85)),
    (66, Lead("Sam Porter", "Porter & Sons", "Website", "US", 12)),
    (66, Tag("Greta Lindqvist", "Trade fair")),
    (65, Did("Greta Lindqvist", Email, "Thanks for the visit at our stand", false)),
    (62, Move("Fleet renewal", "Proposal", None)),
    (60, Deal("Claims archive", "Harbor Insurance", 95, false, -10)),
    (58, Did("Sam Porter", Call, "Does not need it before next year", false)),
    (58, Step("Sam Porter", Unqualified)),
    (55, Move("Plant extension", "Proposal", None)),
    (52, Move("Fleet renewal", "Negotiation", None)),
    (50, Deal("Reporting pilot", "Beacon Analytics", 18, false, 12)),
    (48, Did("Fleet renewal", Note, "They want a discount for paying at once", false)),
    (44, Move("Claims archive", "Needs", None)),
    (40, Lead("Ulrich Brandt", "Brandt Werkzeuge", "Referral", "DE", 240)),
    (38, Move("Fleet renewal", "Won", None)),
    (38, Tag("Fleet renewal", "Reference")),
    (37, Did("Ulrich Brandt", Call, "First call: what they use today", false)),
    (35, Did("Ulrich Brandt", Meeting, "Demo for the plant managers", false)),
    (34, Move("Claims archive", "Lost", Some("They build it themselves."))),
    (33, Deal("Grid monitoring", "Ember Energy", 260, true, 45)),
    (30, Move("Reporting pilot", "Needs", None)),
    (29, Step("Greta Lindqvist", Nurturing)),
    (27, Move("Plant extension", "Negotiation", None)),
    (25, Step("Ulrich Brandt", Qualified)),
    (24, Deal("School licences", "Juniper Schools", 7, false, 60)),
    (22, Tag("Heike Lorenz", "Newsletter")),
    (22, Did("Heike Lorenz", Email, "Asked to hear from us again in spring", true)),
    (20, Plan("Plant extension", Task, "Send the revised offer", -12)),
    (18, Move("Grid monitoring", "Needs", None)),
    (16, Lead("Fatima Osei", "Harvest Cooperative", "Website", "IE", 55)),
    (14, Move("Reporting pilot", "Proposal", None)),
    (13, Done("Send the revised offer")),
    (12, Deal("Site security", "Granite Builders", 64, true, 80)),
    (11, Did("Fatima Osei", Email, "Asked for a price list", true)),
    (10, Did("Fatima Osei", Email, "Price list and two dates for a call", false)),
    (9, Move("Grid monitoring", "Proposal", None)),
    (8, Plan("Reporting pilot", Meeting, "Review of the pilot", 6)),
    (7, Plan("Grid monitoring", Task, "Prepare the calculation for the second site", -2)),
    (6, Lead("Miguel Santos", "Santos Pharma", "Referral", "PT", 310)),
    (5, Plan("Ulrich Brandt", Call, "Agree on the first project", 3)),
    (4, Deal("Clinic scheduling", "Delta Clinics", 150, false, 95)),
    (3, Plan("Beatriz Ramos", Task, "Ask for the network plans", 9)),
    (2, Did("Amber Logistics", Note, "Happy with the start; would be a reference for us", false)),
    (1, Lead("Emma Clarke", "Clarke Interiors", "Newsletter", "US", 30)),
    (1, Tag("Emma Clarke", "Newsletter")),
    (1, Did("Site security", Call, "Went through the sites one by one", false)),
];
