//! The documents that were asked lately, parsed and judged once each.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Name,
    parser::{
        parse_query,
        types::{
            DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
        },
    },
};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{
    super::guard::{SchemaMap, Tariff, TooMuch, judge, measures, size, unambiguous},
    refusal::Refusal,
};
use crate::config::Limits;

/// Parsed documents that are kept; each came from a text of at most 64 KiB.
const KEPT_DOCUMENTS: usize = 1000;

/// A document that may run.
#[derive(Clone)]
pub struct Judged {
    pub document: Arc<ExecutableDocument>,
    /// What each of its operations costs.
    tariffs: Arc<HashMap<Option<Name>, Arc<Tariff>>>,
    /// What it is too large for, where limits only warn.
    pub warned: Arc<[TooMuch]>,
}

impl Judged {
    /// A parsed document that amounts to no more than it may.
    pub fn new(
        map: &SchemaMap,
        limits: &Limits,
        document: ExecutableDocument,
    ) -> Result<Self, TooMuch> {
        let warned = judge(limits, &measures(map, limits, &document))?.into();
        unambiguous(&document)?;
        let tariffs = document.operations.iter().map(|(name, operation)| {
            (name.cloned(), Arc::new(Tariff::of(map, &document, &operation.node)))
        });
        let tariffs = Arc::new(tariffs.collect());
        Ok(Self { document: Arc::new(document), tariffs, warned })
    }

    /// What the operation that [`choose`] finds costs.
    pub fn tariff(&self, name: Option<&str>) -> Arc<Tariff> {
        let named = self.tariffs.iter().find(|(known, _)| known.as_deref() == name);
        let found = named.or_else(|| self.tariffs.iter().next());
        found.map(|(_, tariff)| tariff.clone()).unwrap_or_default()
    }
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
        let hash: [u8; 32] = Sha256::digest(text).into();
        if let Some(judged) = self.0.get(&hash) {
            return Ok(judged);
        }
        judge(limits, &size(limits, text))?;
        let judged = Judged::new(map, limits, parsed(text)?)?;
        self.0.insert(hash, judged.clone());
        Ok(judged)
    }
}

pub fn parsed(text: &str) -> Result<ExecutableDocument, Refusal> {
    parse_query(text).map_err(|error| {
        let told = error.to_string();
        let place = error.positions().next();
        // The parser draws the place; the last line says what is wrong.
        let told = told.lines().last().unwrap_or_default().trim().trim_start_matches("= ");
        Refusal { code: "GRAPHQL_PARSE_FAILED", message: told.to_owned(), place }
    })
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
