//! What is to be registered is examined first: as execution would, and as the specification says.

use std::sync::OnceLock;

use async_graphql::Variables;

use super::{
    super::{
        guard::{Deprecations, SchemaMap, affordable},
        rulebook::Rulebook,
        schema::sdl,
    },
    documents::{only_name, read},
    refusal::Refusal,
};
use crate::{config::Limits, documents::DocumentHash};

/// Says whether a document may be registered.
#[derive(Clone)]
pub struct Examiner {
    limits: Limits,
}

/// A document that may.
#[derive(Debug, PartialEq, Eq)]
pub struct Examined {
    /// Its operation's name.
    pub name: Option<String>,
    /// What it costs where its variables say nothing of how much.
    pub cost: i32,
}

impl Examiner {
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A sentence where it may not.
    pub fn examine(&self, text: &str) -> Result<Examined, String> {
        self.limited(text).map_err(|Refusal { message, place, .. }| match place {
            Some(place) => format!("{}:{}: {message}", place.line, place.column),
            None => message,
        })
    }

    fn limited(&self, text: &str) -> Result<Examined, Refusal> {
        static MAP: OnceLock<SchemaMap> = OnceLock::new();
        let map = MAP.get_or_init(|| SchemaMap::read(&sdl()));
        // What amounts to too much never reaches the rules, which look at it more closely.
        let judged = read(map, &self.limits, text, DocumentHash::of(text))?;
        let refuse = |told: &str| Err(Refusal::new("GRAPHQL_VALIDATION_FAILED", told));
        if judged.introspects() {
            return refuse("Questions about the schema itself are not registered.");
        }
        let Some(rules) = Rulebook::own() else { return refuse("There are no rules.") };
        if let Some(fault) = rules.faults(text).first() {
            return refuse(&fault.to_string());
        }
        let (document, none) = (&judged.document, Variables::default());
        let mut cost = 0;
        for (name, _) in document.operations.iter() {
            let price = judged.tariff(name.map(async_graphql::Name::as_str)).price(&none);
            affordable(&self.limits, price)?;
            cost = cost.max(price);
        }
        let cost = i32::try_from(cost).unwrap_or(i32::MAX);
        Ok(Examined { name: only_name(document), cost })
    }

    /// The fields that will be removed, such as `Company.phone`.
    pub fn deprecated(&self) -> impl Iterator<Item = &'static str> {
        Deprecations::own().fields()
    }

    pub fn is_deprecated(&self, field: &str) -> bool {
        Deprecations::own().has(field)
    }
}
