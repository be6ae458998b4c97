//! The guard before execution: what a document amounts to, in one pass, each fragment measured
//! once. A document that spreads each fragment twice into the next is refused here, before
//! anything looks at it that would follow every spread.

mod conflicts;
mod lexer;
mod map;
mod scale;
mod tariff;
mod used;

use async_graphql::{
    Name,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use self::{
    conflicts::{circles, conflicts},
    lexer::Size,
    scale::{Scale, Weight},
};
pub use map::SchemaMap;
use map::Shape;
pub use tariff::{Tariff, affordable};
pub use used::{Deprecations, Usage};

use crate::config::Limits;

/// Why a document is not run: a code, and a sentence.
pub type TooMuch = (&'static str, String);

const TOO_COMPLEX: &str = "DOCUMENT_TOO_COMPLEX";

/// How much there is of something, and how much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Such as "aliases".
    pub name: &'static str,
    pub value: u64,
    pub limit: u64,
    /// What would harm whoever reads on: refused even where limits only warn.
    pub firm: bool,
}

impl Measure {
    fn firm(name: &'static str, value: usize, limit: u64) -> Self {
        let value = u64::try_from(value).unwrap_or(u64::MAX);
        Self { name, value, limit, firm: true }
    }

    fn soft(name: &'static str, value: u64, limit: u64) -> Self {
        Self { name, value, limit, firm: false }
    }

    pub fn exceeded(&self) -> bool {
        self.value > self.limit
    }

    fn refusal(&self) -> TooMuch {
        (TOO_COMPLEX, format!("The document has more than {} {}.", self.limit, self.name))
    }
}

/// The measures of a text, before anything reads it. What is longer than it may be is not looked
/// into.
pub fn size(limits: &Limits, text: &str) -> Vec<Measure> {
    let bytes = Measure::firm("bytes", text.len(), limits.document);
    if bytes.exceeded() {
        return vec![bytes];
    }
    let size = Size::of(text);
    vec![
        bytes,
        Measure::firm("tokens", size.tokens, limits.tokens),
        Measure::firm("brackets in each other", size.nesting, limits.brackets),
    ]
}

/// The measures of a document, whatever its variables are. All fragments and operations are looked
/// at, because validation will look at all of them.
pub fn measures(map: &SchemaMap, limits: &Limits, document: &ExecutableDocument) -> Vec<Measure> {
    let fragments = Measure::firm("fragments", document.fragments.len(), limits.fragments);
    if fragments.exceeded() {
        return vec![fragments];
    }
    let mut scale = Scale::new(map, document);
    let weights = document.fragments.keys().map(Name::as_str).collect::<Vec<_>>().into_iter();
    let weight = weights.fold(Weight::default(), |most, name| most.or(scale.fragment(name)));
    let operations = document.operations.iter();
    let weight = operations.fold(weight, |most, (_, one)| most.or(scale.operation(&one.node)));
    let roots = |changes: bool| {
        let which = document.operations.iter();
        let which = which.filter(|(_, one)| (one.node.ty == OperationType::Mutation) == changes);
        let counts =
            which.map(|(_, one)| roots(document, &one.node.selection_set.node, &mut Vec::new()));
        counts.max().unwrap_or(0)
    };
    vec![
        fragments,
        Measure { firm: true, ..Measure::soft("fields", weight.fields, limits.fields) },
        Measure::soft("aliases", weight.aliases, limits.aliases),
        Measure::soft("levels", weight.depth, limits.depth),
        Measure::soft("levels of introspection", weight.introspection, limits.introspection_depth),
        Measure::soft("fields at the root of a query", roots(false), limits.root_fields),
        Measure::soft("fields at the root of a mutation", roots(true), limits.mutations),
    ]
}

/// Refuses what is too much; what is only warned of is handed back.
pub fn judge(limits: &Limits, measures: &[Measure]) -> Result<Vec<TooMuch>, TooMuch> {
    let mut warned = Vec::new();
    for measure in measures.iter().filter(|measure| measure.exceeded()) {
        match limits.warn_only && !measure.firm {
            true => warned.push(measure.refusal()),
            false => return Err(measure.refusal()),
        }
    }
    Ok(warned)
}

/// Refuses fragments that spread themselves, and two different fields under one name. To be asked of a document that was judged: what is
/// expanded here is counted there.
pub fn unambiguous(document: &ExecutableDocument) -> Result<(), TooMuch> {
    circles(document)?;
    document.operations.iter().try_for_each(|(_, one)| conflicts(document, &one.node))
}

/// The type that an operation begins with.
pub fn root_of(operation: &OperationDefinition) -> &'static str {
    match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

/// Each field at the root, as often as it is spread there. Of a document that was judged.
pub fn root_fields<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    visit: &mut dyn FnMut(&'a Field),
) {
    each_root(document, set, &mut Vec::new(), visit);
}

fn each_root<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    open: &mut Vec<&'a str>,
    visit: &mut dyn FnMut(&'a Field),
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => visit(&field.node),
            Selection::InlineFragment(inline) => {
                each_root(document, &inline.node.selection_set.node, open, visit);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                if let Some(fragment) = document.fragments.get(name)
                    && !open.contains(&name)
                {
                    open.push(name);
                    each_root(document, &fragment.node.selection_set.node, open, visit);
                    open.pop();
                }
            }
        }
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
