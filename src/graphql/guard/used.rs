//! What of the schema an operation asks: for the count of who uses what, and for the word to
//! clients whose fields will be removed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use async_graphql::parser::{
    parse_schema,
    types::{
        ExecutableDocument, FieldDefinition, OperationDefinition, Selection, SelectionSet,
        TypeKind, TypeSystemDefinition,
    },
};
use axum::http::{HeaderName, HeaderValue};
use chrono::{Days, Months, NaiveDate, NaiveTime};

use super::{SchemaMap, root_of};
use crate::graphql::schema::sdl;

/// How long a deprecated field stays.
const NOTICE: Months = Months::new(12);
/// A field's reason says until when it stays: "Use x. Removed after 2027-06-30."
const REMOVED: &str = "Removed after ";

/// Fields that will be removed, such as `Company.phone`, with the last day that they stay.
#[derive(Debug, Default)]
pub struct Deprecations(HashMap<String, Option<NaiveDate>>);

impl Deprecations {
    /// Those of the product's own schema.
    pub fn own() -> &'static Self {
        static OWN: OnceLock<Deprecations> = OnceLock::new();
        OWN.get_or_init(|| Self::read(&sdl()))
    }

    pub fn read(sdl: &str) -> Self {
        let definitions = parse_schema(sdl).map(|schema| schema.definitions).unwrap_or_default();
        let mut all = HashMap::new();
        for definition in definitions {
            let TypeSystemDefinition::Type(ty) = definition else { continue };
            let fields = match ty.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(face) => face.fields,
                _ => continue,
            };
            for field in &fields {
                if let Some(last) = deprecated(&field.node) {
                    all.insert(format!("{}.{}", ty.node.name.node, field.node.name.node), last);
                }
            }
        }
        Self(all)
    }

    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }
}

/// `None`: it stays. Else the day in its reason, where there is one.
fn deprecated(field: &FieldDefinition) -> Option<Option<NaiveDate>> {
    let directive = field.directives.iter().find(|one| one.node.name.node == "deprecated")?;
    let reason = directive.node.get_argument("reason").map(|reason| reason.node.to_string());
    let day = reason.as_deref().and_then(|reason| reason.split_once(REMOVED)).map(|(_, day)| day);
    Some(day.and_then(|day| NaiveDate::parse_from_str(day.get(..10)?, "%Y-%m-%d").ok()))
}

/// What an operation asks.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Such as `Company.name`, in order.
    pub fields: Arc<[String]>,
    /// It asks for the schema itself.
    pub introspects: bool,
    /// The first day on which one of its fields may be gone.
    gone: Option<NaiveDate>,
}

impl Usage {
    pub fn of(
        map: &SchemaMap,
        deprecations: &Deprecations,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
    ) -> Self {
        let (fields, seen) = (BTreeSet::new(), BTreeSet::new());
        let mut walk = Walk { map, document, fields, seen, introspects: false };
        walk.set(&operation.selection_set.node, root_of(operation));
        let days = walk.fields.iter().filter_map(|field| *deprecations.0.get(field)?);
        let gone = days.min().and_then(|last| last.checked_add_days(Days::new(1)));
        Self { fields: walk.fields.into_iter().collect(), introspects: walk.introspects, gone }
    }

    /// `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
    pub fn headers(&self) -> Box<[(HeaderName, HeaderValue)]> {
        let Some(gone) = self.gone else { return Box::default() };
        let midnight = gone.and_time(NaiveTime::MIN);
        let since = gone.checked_sub_months(NOTICE).unwrap_or(gone).and_time(NaiveTime::MIN);
        let since = format!("@{}", since.and_utc().timestamp());
        let gone = midnight.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let headers = [("deprecation", since), ("sunset", gone)];
        let header = |(name, value): (&'static str, String)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
        };
        headers.into_iter().filter_map(header).collect()
    }
}

struct Walk<'a> {
    map: &'a SchemaMap,
    document: &'a ExecutableDocument,
    fields: BTreeSet<String>,
    /// Each fragment is looked at once.
    seen: BTreeSet<&'a str>,
    introspects: bool,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet, parent: &str) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    self.introspects |= name == "__schema" || name == "__type";
                    let Some(info) = self.map.field(parent, name) else { continue };
                    self.fields.insert(format!("{parent}.{name}"));
                    let ty = info.ty.clone();
                    self.set(&field.node.selection_set.node, &ty);
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    let on = on.map_or(parent, |on| on.node.on.node.as_str());
                    self.set(&inline.node.selection_set.node, on);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    if self.seen.insert(name) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.set(&fragment.node.selection_set.node, on);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    const SDL: &str = r#"
        interface Node { id: ID! }
        type Query { company: Company old: Int @deprecated(reason: "Use company. Removed after 2028-01-31.") node: Node }
        type Company implements Node {
          id: ID!
          name: String
          phone: String @deprecated(reason: "Use telephone. Removed after 2027-06-30.")
          fax: String @deprecated(reason: "Nobody has one.")
          parent: Company
        }
    "#;

    fn usage(query: &str) -> Usage {
        let (map, deprecations) = (SchemaMap::read(SDL), Deprecations::read(SDL));
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        Usage::of(&map, &deprecations, &document, &operation.node)
    }

    #[test]
    fn every_field_is_named_with_its_type() {
        let query = "{ company { ...F parent { ...F } } node { id ... on Company { fax } } } fragment F on Company { x: name __typename }";
        let used = usage(query);
        let expected = [
            "Company.fax",
            "Company.name",
            "Company.parent",
            "Node.id",
            "Query.company",
            "Query.node",
        ];
        assert_eq!(&used.fields[..], expected.map(str::to_owned));
        assert!(!used.introspects);
        assert!(
            usage("query { ...Q } fragment Q on Query { __schema { types { name } } }").introspects
        );
        // A circle is validation's to refuse.
        assert_eq!(usage("{ company { ...A } } fragment A on Company { ...A }").fields.len(), 1);
    }

    #[test]
    fn what_goes_is_told_by_its_first_day() {
        let told = |query: &str| -> Vec<String> {
            let headers = usage(query).headers();
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect()
        };
        let phone = ["deprecation: @1782864000", "sunset: Thu, 01 Jul 2027 00:00:00 GMT"];
        assert_eq!(told("{ company { phone } }"), phone);
        assert_eq!(told("{ old company { parent { phone } } }"), phone, "the earliest");
        assert_eq!(told("{ old }")[1], "sunset: Tue, 01 Feb 2028 00:00:00 GMT");
        assert!(told("{ company { name fax } }").is_empty(), "no day, no word");
    }

    /// Whoever deprecates a field says until when it stays.
    #[test]
    fn every_deprecated_field_of_ours_has_its_day() {
        let undated = Deprecations::own().0.iter().filter(|(_, day)| day.is_none());
        assert_eq!(undated.map(|(field, _)| field).collect::<Vec<_>>(), [""; 0]);
        let read = Deprecations::read(SDL);
        assert_eq!(read.0.values().filter(|day| day.is_none()).count(), 1, "it would be seen");
    }
}
