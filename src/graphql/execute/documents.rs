//! The documents that were asked lately, parsed and judged once each.

use std::sync::Arc;

use async_graphql::parser::{
    parse_query,
    types::{DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{
    super::guard::{Limits, SchemaMap, Size, judge, within},
    refusal::Refusal,
};

/// Parsed documents that are kept; each came from a text of at most 64 KiB.
const KEPT_DOCUMENTS: usize = 1000;

/// A document that may run.
#[derive(Clone)]
pub struct Judged {
    pub document: Arc<ExecutableDocument>,
    /// No variables can make it cost too much.
    pub cheap: bool,
}

pub struct Documents(Cache<[u8; 32], Judged>);

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::new(KEPT_DOCUMENTS))
    }
}

impl Documents {
    /// The document of a text; refused where it is none, or amounts to too much.
    pub fn judged(&self, map: &SchemaMap, limits: &Limits, text: &str) -> Result<Judged, Refusal> {
        within("bytes", text.len(), limits.document)?;
        let hash: [u8; 32] = Sha256::digest(text).into();
        if let Some(judged) = self.0.get(&hash) {
            return Ok(judged);
        }
        let size = Size::of(text);
        within("tokens", size.tokens, limits.tokens)?;
        within("brackets in each other", size.nesting, limits.nesting)?;
        let document = Arc::new(parse_query(text).map_err(|error| {
            let told = error.to_string();
            let place = error.positions().next();
            // The parser draws the place; the last line says what is wrong.
            let told = told.lines().last().unwrap_or_default().trim().trim_start_matches("= ");
            Refusal { code: "GRAPHQL_PARSE_FAILED", message: told.to_owned(), place }
        })?);
        let cheap = judge(map, limits, &document)?;
        let judged = Judged { document, cheap };
        self.0.insert(hash, judged.clone());
        Ok(judged)
    }
}

/// The operation that is meant.
pub fn choose<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, Refusal> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        _ => None,
    };
    found.map(|operation| &operation.node).ok_or_else(|| {
        let told = match name {
            Some(name) => format!("The document has no operation named \"{name}\"."),
            None => "The document has several operations; say operationName.".to_owned(),
        };
        Refusal::new("OPERATION_RESOLUTION_FAILURE", &told)
    })
}

/// The operation's first field, where it is not in a fragment.
pub fn first_root(operation: &OperationDefinition) -> Option<&str> {
    operation.selection_set.node.items.iter().find_map(|item| match &item.node {
        Selection::Field(field) => Some(field.node.name.node.as_str()),
        _ => None,
    })
}

pub fn only_name(document: &ExecutableDocument) -> Option<String> {
    document.operations.iter().next().and_then(|(name, _)| name).map(ToString::to_string)
}

/// Does every root field answer without sign-in? Each fragment is looked at once.
pub fn all_public<'a>(
    map: &SchemaMap,
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    root: &str,
    seen: &mut Vec<&'a str>,
) -> bool {
    set.items.iter().all(|item| match &item.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            name.starts_with("__") || map.field(root, name).is_some_and(|field| field.public)
        }
        Selection::InlineFragment(inline) => {
            all_public(map, document, &inline.node.selection_set.node, root, seen)
        }
        Selection::FragmentSpread(spread) => {
            let name = spread.node.fragment_name.node.as_str();
            if seen.contains(&name) {
                return true;
            }
            seen.push(name);
            document.fragments.get(name).is_none_or(|fragment| {
                all_public(map, document, &fragment.node.selection_set.node, root, seen)
            })
        }
    })
}
