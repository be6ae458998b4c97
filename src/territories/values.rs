//! What territories' rules ask, and what they are asked about.

/// What of a record the rules ask about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    pub country: Option<&'a str>,
    pub postal_code: Option<&'a str>,
    pub industry: Option<&'a str>,
    pub employees: Option<i32>,
}

/// What a rule asks for. Each part that is there must fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demand<'a> {
    pub countries: Option<&'a [String]>,
    pub postal_prefixes: Option<&'a [String]>,
    pub industries: Option<&'a [String]>,
    pub employees_min: Option<i32>,
    pub employees_max: Option<i32>,
}
