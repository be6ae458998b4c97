//! Two different fields under one name in the answer: the library sees that at one level only, and
//! would answer one of them. And fragments that spread themselves: the library finds those, but
//! whatever looks before it would never end.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Positioned,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};

use super::{TOO_COMPLEX, TooMuch};

/// The most fields that are compared: where each level has fields on many types, they are more than
/// the document has.
const MOST: usize = 100_000;

pub fn conflicts(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
) -> Result<(), TooMuch> {
    let root = Level { sets: vec![("", &operation.selection_set)] };
    root.check(document, &mut Looking { open: HashSet::new(), left: MOST })
}

/// Refuses fragments that spread themselves. Each is looked at once.
pub fn circles(document: &ExecutableDocument) -> Result<(), TooMuch> {
    let (mut open, mut done) = (Vec::new(), HashSet::new());
    document.fragments.keys().try_for_each(|name| circle(document, name, &mut open, &mut done))
}

fn circle<'a>(
    document: &'a ExecutableDocument,
    name: &'a str,
    open: &mut Vec<&'a str>,
    done: &mut HashSet<&'a str>,
) -> Result<(), TooMuch> {
    if open.contains(&name) {
        let told = format!("The fragment \"{name:.50}\" spreads itself.");
        return Err(("GRAPHQL_VALIDATION_FAILED", told));
    }
    let Some(fragment) = document.fragments.get(name).filter(|_| done.insert(name)) else {
        return Ok(());
    };
    let mut spread = Vec::new();
    spreads(&fragment.node.selection_set.node, &mut spread);
    open.push(name);
    spread.into_iter().try_for_each(|name| circle(document, name, open, done))?;
    open.pop();
    Ok(())
}

fn spreads<'a>(set: &'a SelectionSet, found: &mut Vec<&'a str>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => spreads(&field.node.selection_set.node, found),
            Selection::InlineFragment(inline) => spreads(&inline.node.selection_set.node, found),
            Selection::FragmentSpread(spread) => found.push(&spread.node.fragment_name.node),
        }
    }
}

/// What keeps the search finite.
struct Looking<'a> {
    open: HashSet<&'a str>,
    /// How many fields may still be looked at.
    left: usize,
}

/// The selections that are merged into one object, with the type that each is on.
struct Level<'a> {
    sets: Vec<(&'a str, &'a Positioned<SelectionSet>)>,
}

impl<'a> Level<'a> {
    fn check(
        self,
        document: &'a ExecutableDocument,
        looking: &mut Looking<'a>,
    ) -> Result<(), TooMuch> {
        let mut fields: Vec<(&'a str, &'a Field)> = Vec::new();
        for (on, set) in &self.sets {
            flatten(document, on, &set.node, &mut fields, &mut looking.open);
        }
        looking.left = looking.left.checked_sub(fields.len()).ok_or_else(|| {
            (TOO_COMPLEX, "The document has too many fields of one name.".to_owned())
        })?;
        let mut by_key: HashMap<&str, Vec<(&'a str, &'a Field)>> = HashMap::new();
        for (on, field) in fields {
            by_key.entry(field.response_key().node.as_str()).or_default().push((on, field));
        }
        for (key, same) in by_key {
            let Some((first, rest)) = same.split_first() else { continue };
            for other in rest {
                // On different types they never meet.
                let meet = first.0 == other.0 || first.0.is_empty() || other.0.is_empty();
                let alike = first.1.name.node == other.1.name.node
                    && arguments(first.1) == arguments(other.1);
                if meet && !alike {
                    let told =
                        format!("\"{key:.50}\" stands for two different fields; use an alias.");
                    return Err(("GRAPHQL_VALIDATION_FAILED", told));
                }
            }
            // What is on different types is merged apart.
            let mut types: Vec<&str> = same.iter().map(|(on, _)| *on).collect();
            types.sort_unstable();
            types.dedup();
            for ty in types {
                let merged = same.iter().filter(|(on, _)| *on == ty || on.is_empty());
                let sets = merged.map(|(_, field)| ("", &field.selection_set));
                let sets: Vec<_> = sets.filter(|(_, set)| !set.node.items.is_empty()).collect();
                if !sets.is_empty() {
                    Level { sets }.check(document, looking)?;
                }
            }
        }
        Ok(())
    }
}

fn flatten<'a>(
    document: &'a ExecutableDocument,
    on: &'a str,
    set: &'a SelectionSet,
    fields: &mut Vec<(&'a str, &'a Field)>,
    open: &mut HashSet<&'a str>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => fields.push((on, &field.node)),
            Selection::InlineFragment(inline) => {
                let inner = inline.node.type_condition.as_ref();
                let inner = inner.map_or(on, |inner| inner.node.on.node.as_str());
                flatten(document, inner, &inline.node.selection_set.node, fields, open);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                let Some(fragment) = document.fragments.get(name) else { continue };
                if open.insert(name) {
                    let inner = fragment.node.type_condition.node.on.node.as_str();
                    flatten(document, inner, &fragment.node.selection_set.node, fields, open);
                    open.remove(name);
                }
            }
        }
    }
}

/// As text, in the order of their names.
fn arguments(field: &Field) -> Vec<(String, String)> {
    let mut arguments: Vec<_> = field
        .arguments
        .iter()
        .map(|(name, value)| (name.node.to_string(), value.node.to_string()))
        .collect();
    arguments.sort();
    arguments
}
