//! The guard before execution: what a document amounts to, in one pass, each fragment measured
//! once. A document that spreads each fragment twice into the next is refused here, before
//! anything looks at it that would follow every spread.

mod conflicts;
mod lexer;
mod map;
mod used;

use std::collections::HashMap;

use async_graphql::{
    Name, Value, Variables,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use conflicts::conflicts;
pub use lexer::Size;
pub use map::{SchemaMap, Shape};
pub use used::{Deprecations, Usage};

/// What a request may amount to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the document.
    pub document: usize,
    pub tokens: usize,
    /// Of any brackets, before the parser sees them.
    pub nesting: usize,
    pub depth: u64,
    /// Of questions about the schema itself.
    pub introspection_depth: u64,
    /// Once every fragment is put in its place.
    pub fields: u64,
    pub aliases: u64,
    pub root_fields: u64,
    pub mutations: u64,
    pub fragments: usize,
    pub cost: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document: 64 * 1024,
            tokens: 5000,
            nesting: 50,
            depth: 15,
            introspection_depth: 20,
            fields: 2000,
            aliases: 50,
            root_fields: 20,
            mutations: 10,
            fragments: 100,
            cost: 5000,
        }
    }
}

const CHANGE: u64 = 10;
const CONNECTION: u64 = 2;
/// A page that does not say how long it is.
const PAGE: u64 = 20;
const LONGEST_PAGE: u64 = 100;
/// A list that is no page: it is bounded, but does not say how.
const LIST: u64 = 10;
/// What looks at more than it shows.
const WIDE: [&str; 2] = ["search", "analytics"];
const WIDE_COST: u64 = 10;

/// What a selection amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    pub fields: u64,
    pub aliases: u64,
    pub depth: u64,
    pub introspection: u64,
    pub cost: u64,
}

impl Weight {
    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            depth: self.depth.max(other.depth),
            introspection: self.introspection.max(other.introspection),
            cost: self.cost.saturating_add(other.cost),
        }
    }
}

/// Why a document is not run: a code, and a sentence.
pub type TooMuch = (&'static str, String);

const TOO_COMPLEX: &str = "DOCUMENT_TOO_COMPLEX";

/// Refuses a document that amounts to too much, whatever its variables are: once for each document.
/// All fragments and operations are looked at, because validation will look at all of them. True: no
/// variables can make it cost too much, and nobody has to ask again.
pub fn judge(
    map: &SchemaMap,
    limits: &Limits,
    document: &ExecutableDocument,
) -> Result<bool, TooMuch> {
    let mut cheap = true;
    within("fragments", document.fragments.len(), limits.fragments)?;
    let mut names: Vec<&Name> = document.fragments.keys().collect();
    names.sort();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let variables = Variables::default();
        let mut scale = Scale::new(map, document, operation, &variables);
        scale.worst = true;
        for name in &names {
            complexity(scale.fragment(name), limits)?;
        }
        let set = &operation.selection_set.node;
        let weight = scale.set(set, root_of(operation));
        complexity(weight, limits)?;
        cheap &= weight.cost <= limits.cost;
        let most = match operation.ty {
            OperationType::Mutation => limits.mutations,
            _ => limits.root_fields,
        };
        within("fields at the root", roots(document, set, &mut Vec::new()), most)?;
    }
    // What is expanded here was counted above.
    document.operations.iter().try_for_each(|(_, one)| conflicts(document, &one.node))?;
    Ok(cheap)
}

/// What an operation costs with these variables; refused where that is too much.
pub fn price(
    map: &SchemaMap,
    limits: &Limits,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<u64, TooMuch> {
    let mut scale = Scale::new(map, document, operation, variables);
    let Weight { cost, .. } = scale.set(&operation.selection_set.node, root_of(operation));
    match cost <= limits.cost {
        true => Ok(cost),
        false => {
            let told = format!("The operation costs {cost}; at most {} is allowed.", limits.cost);
            Err(("COST_LIMIT_EXCEEDED", told))
        }
    }
}

/// The type that an operation begins with.
pub fn root_of(operation: &OperationDefinition) -> &'static str {
    match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

fn complexity(weight: Weight, limits: &Limits) -> Result<(), TooMuch> {
    within("fields", weight.fields, limits.fields)?;
    within("aliases", weight.aliases, limits.aliases)?;
    within("levels", weight.depth, limits.depth)?;
    within("levels of introspection", weight.introspection, limits.introspection_depth)
}

/// A sentence where there is more of something than there may be.
pub fn within<N: PartialOrd + std::fmt::Display>(
    what: &str,
    count: N,
    most: N,
) -> Result<(), TooMuch> {
    match count <= most {
        true => Ok(()),
        false => Err((TOO_COMPLEX, format!("The document has more than {most} {what}."))),
    }
}

struct Scale<'a> {
    map: &'a SchemaMap,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    known: HashMap<&'a str, Weight>,
    /// Fragments that are being measured: a circle is validation's to tell.
    open: Vec<&'a str>,
    /// Whatever a variable says may be as long as a page can be.
    worst: bool,
}

impl<'a> Scale<'a> {
    fn new(
        map: &'a SchemaMap,
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        variables: &'a Variables,
    ) -> Self {
        let (known, open) = (HashMap::new(), Vec::new());
        Self { map, document, operation, variables, known, open, worst: false }
    }

    fn fragment(&mut self, name: &'a str) -> Weight {
        if let Some(weight) = self.known.get(name) {
            return *weight;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return Weight::default() };
        if self.open.contains(&name) {
            return Weight::default();
        }
        self.open.push(name);
        let on = fragment.node.type_condition.node.on.node.as_str();
        let weight = self.set(&fragment.node.selection_set.node, on);
        self.open.pop();
        self.known.insert(name, weight);
        weight
    }

    fn set(&mut self, set: &'a SelectionSet, parent: &str) -> Weight {
        set.items.iter().fold(Weight::default(), |sum, item| {
            let weight = match &item.node {
                Selection::Field(field) => self.field(&field.node, parent),
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    let on = on.map_or(parent, |on| on.node.on.node.as_str());
                    self.set(&inline.node.selection_set.node, on)
                }
                // A spread counts itself, so that even empty ones come to an end.
                Selection::FragmentSpread(spread) => {
                    let weight = self.fragment(spread.node.fragment_name.node.as_str());
                    Weight { fields: weight.fields.saturating_add(1), ..weight }
                }
            };
            sum.beside(weight)
        })
    }

    fn field(&mut self, field: &'a Field, parent: &str) -> Weight {
        let name = field.name.node.as_str();
        let info = self.map.field(parent, name);
        let inner = self.set(&field.selection_set.node, info.map_or("", |info| &info.ty));
        let aliases = inner.aliases.saturating_add(u64::from(field.alias.is_some()));
        let fields = inner.fields.saturating_add(1);
        if name.starts_with("__") || parent.is_empty() {
            let introspection = inner.introspection.saturating_add(1);
            return Weight { fields, aliases, introspection, depth: 0, cost: 0 };
        }
        let own = match parent {
            "Mutation" => CHANGE,
            _ if WIDE.contains(&name) => WIDE_COST,
            _ => 0,
        };
        let cost = match info.map_or(Shape::Leaf, |info| info.shape) {
            Shape::Leaf => 0,
            Shape::Object => inner.cost.saturating_add(1),
            // The connection counts its records already.
            Shape::List if parent.ends_with("Connection") => inner.cost.saturating_add(1),
            Shape::List => self.length(field, LIST).saturating_mul(inner.cost.saturating_add(1)),
            Shape::Connection => {
                CONNECTION.saturating_add(self.length(field, PAGE).saturating_mul(inner.cost))
            }
        };
        let cost = cost.saturating_add(own);
        let depth = inner.depth.saturating_add(1);
        Weight { fields, aliases, depth, cost, ..inner }
    }

    /// How many records a list has at most.
    fn length(&self, field: &Field, unsaid: u64) -> u64 {
        let varies = |name: &&str| {
            let value = field.get_argument(name);
            value.is_some_and(|value| value.node.to_string().contains('$'))
        };
        if self.worst && ["first", "last", "ids"].iter().any(varies) {
            return LONGEST_PAGE;
        }
        let said = ["first", "last"].iter().find_map(|name| match self.argument(field, name)? {
            Value::Number(number) => number.as_i64(),
            _ => None,
        });
        let listed = || match self.argument(field, "ids")? {
            Value::List(items) => u64::try_from(items.len()).ok(),
            _ => None,
        };
        // Clamped before it is multiplied: −1 is no huge number.
        said.map(|n| u64::try_from(n).unwrap_or(0).min(LONGEST_PAGE))
            .or_else(listed)
            .unwrap_or(unsaid)
    }

    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let value = field.get_argument(name)?;
        let variable = |name: Name| self.variable(&name).ok_or(());
        value.node.clone().into_const_with(variable).ok().filter(|value| *value != Value::Null)
    }

    fn variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).cloned().or_else(|| {
            let defined = &self.operation.variable_definitions;
            let definition = defined.iter().find(|one| one.node.name.node == name)?;
            definition.node.default_value.as_ref().map(|value| value.node.clone())
        })
    }
}

/// How many fields stand at the root; each fragment is looked at once.
fn roots<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    seen: &mut Vec<&'a str>,
) -> u64 {
    set.items.iter().fold(0_u64, |sum, item| {
        let more = match &item.node {
            Selection::Field(_) => 1,
            Selection::InlineFragment(inline) => {
                roots(document, &inline.node.selection_set.node, seen)
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                match document.fragments.get(name) {
                    Some(fragment) if !seen.contains(&name) => {
                        seen.push(name);
                        roots(document, &fragment.node.selection_set.node, seen)
                    }
                    _ => 0,
                }
            }
        };
        sum.saturating_add(more)
    })
}
