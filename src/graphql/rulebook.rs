//! Is a document valid against a schema, as the GraphQL specification has it: the product's own, or
//! one that is only a text yet.

use std::{fmt, sync::OnceLock};

use apollo_compiler::{
    ExecutableDocument, Schema,
    diagnostic::Diagnostic,
    validation::{DiagnosticData, DiagnosticList, Valid},
};

use super::schema::sdl;

/// A schema whose rules documents are held against.
pub struct Rulebook(Valid<Schema>);

/// Something in a document or a schema that is against the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub column: usize,
    pub told: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.told)
    }
}

impl Rulebook {
    /// That of the product's own schema; `None` would be a bug, and a test says so.
    pub fn own() -> Option<&'static Self> {
        static OWN: OnceLock<Option<Rulebook>> = OnceLock::new();
        OWN.get_or_init(|| Self::read(&sdl()).ok()).as_ref()
    }

    pub fn read(sdl: &str) -> Result<Self, Box<[Fault]>> {
        let schema = Schema::parse_and_validate(sdl, "schema");
        schema.map(Self).map_err(|wrong| faults(&wrong.errors))
    }

    /// What of a document is against the rules; nothing: it is valid.
    pub fn faults(&self, document: &str) -> Box<[Fault]> {
        match ExecutableDocument::parse_and_validate(&self.0, document, "document") {
            Ok(_) => Box::default(),
            Err(wrong) => faults(&wrong.errors),
        }
    }
}

fn faults(all: &DiagnosticList) -> Box<[Fault]> {
    let fault = |diagnostic: Diagnostic<'_, DiagnosticData>| {
        let place = diagnostic.line_column_range().map(|range| range.start);
        let (line, column) = place.map_or((1, 1), |place| (place.line, place.column));
        Fault { line, column, told: diagnostic.error.to_string() }
    };
    // Where a field is unknown its parent counts as empty besides, which misleads.
    let misleads = |one: &Fault| one.told.ends_with("must have a subselection set");
    let all: Vec<Fault> = all.iter().map(fault).collect();
    match all.iter().all(misleads) {
        true => all.into(),
        false => all.into_iter().filter(|one| !misleads(one)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_schema_is_one_that_others_understand() {
        assert_eq!(Rulebook::read(&sdl()).map(|_| ()), Ok(()));
        assert!(Rulebook::own().is_some());
    }

    #[test]
    fn a_fault_has_its_place() {
        let told = Rulebook::own().unwrap().faults("query A {\n  companies { nodes { shoe } }\n}");
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["2:23: type `Company` does not have a field `shoe`"]);
        let told = Rulebook::own().unwrap().faults("query($id: ID!) { company(id: $id) { id } }");
        assert_eq!(told, [].into());
        let told = Rulebook::own().unwrap().faults("{ companies }");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(Rulebook::read("type Query { a: Nothing }").is_err());
    }
}
