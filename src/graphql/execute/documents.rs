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
use quick_cache::{Weighter, sync::Cache};

use super::{
    super::guard::{
        Deprecations, SchemaMap, Tariff, TooMuch, Usage, judge, measures, size, unambiguous,
    },
    refusal::Refusal,
};
use crate::{config::Limits, documents::DocumentHash};

/// Parsed documents that are kept; each came from a text of at most 64 KiB.
const KEPT_DOCUMENTS: usize = 1000;
/// The same of registered ones, which what strangers send does not drive out: bytes of their texts.
const KEPT_REGISTERED: u64 = 16 * 1024 * 1024;

/// A document that may run.
#[derive(Clone)]
pub struct Judged {
    pub document: Arc<ExecutableDocument>,
    /// Of its exact text.
    pub hash: DocumentHash,
    /// What each operation asks.
    usages: Arc<[(Option<String>, Usage)]>,
    bytes: u64,
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
        (text, hash): (&str, DocumentHash),
    ) -> Result<Self, TooMuch> {
        let warned = judge(limits, &measures(map, limits, &document))?.into();
        unambiguous(&document)?;
        let tariffs = document.operations.iter().map(|(name, operation)| {
            (name.cloned(), Arc::new(Tariff::of(map, &document, &operation.node)))
        });
        let tariffs = Arc::new(tariffs.collect());
        let usages = document.operations.iter().map(|(name, operation)| {
            let usage = Usage::of(map, Deprecations::own(), &document, &operation.node);
            (name.map(ToString::to_string), usage)
        });
        let usages = usages.collect();
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        Ok(Self { document: Arc::new(document), hash, usages, bytes, tariffs, warned })
    }

    /// What the operation that [`choose`] finds costs.
    pub fn tariff(&self, name: Option<&str>) -> Arc<Tariff> {
        let named = self.tariffs.iter().find(|(known, _)| known.as_deref() == name);
        let found = named.or_else(|| self.tariffs.iter().next());
        found.map(|(_, tariff)| tariff.clone()).unwrap_or_default()
    }
}

impl Judged {
    /// What the operation asks that is meant.
    pub fn usage(&self, name: Option<&str>) -> Option<&Usage> {
        let meant = |(own, _): &&(Option<String>, Usage)| name.is_none() || own.as_deref() == name;
        self.usages.iter().find(meant).map(|(_, usage)| usage)
    }

    pub fn introspects(&self) -> bool {
        self.usages.iter().any(|(_, usage)| usage.introspects)
    }
}

#[derive(Clone)]
struct ByLength;

impl Weighter<DocumentHash, Judged> for ByLength {
    fn weight(&self, _: &DocumentHash, judged: &Judged) -> u64 {
        judged.bytes
    }
}

pub struct Documents {
    asked: Cache<DocumentHash, Judged>,
    registered: Cache<DocumentHash, Judged, ByLength>,
}

impl Default for Documents {
    fn default() -> Self {
        // Read now, and not with the first request.
        Deprecations::own();
        let registered = Cache::with_weighter(KEPT_DOCUMENTS, KEPT_REGISTERED, ByLength);
        Self { asked: Cache::new(KEPT_DOCUMENTS), registered }
    }
}

impl Documents {
    /// The document of a text; refused where it is none, or amounts to too much.
    pub fn judged(&self, map: &SchemaMap, limits: &Limits, text: &str) -> Result<Judged, Refusal> {
        let hash = DocumentHash::of(text);
        if let Some(judged) = self.asked.get(&hash) {
            return Ok(judged);
        }
        let judged = read(map, limits, text, hash)?;
        self.asked.insert(hash, judged.clone());
        Ok(judged)
    }

    /// A registered document that was asked before.
    pub fn registered(&self, hash: DocumentHash) -> Option<Judged> {
        self.registered.get(&hash)
    }

    /// Reads a registered document, once.
    pub fn register(
        &self,
        map: &SchemaMap,
        limits: &Limits,
        text: &str,
        hash: DocumentHash,
    ) -> Result<Judged, Refusal> {
        let judged = read(map, limits, text, hash)?;
        self.registered.insert(hash, judged.clone());
        Ok(judged)
    }
}

/// Parses and judges a text.
pub fn read(
    map: &SchemaMap,
    limits: &Limits,
    text: &str,
    hash: DocumentHash,
) -> Result<Judged, Refusal> {
    judge(limits, &size(limits, text))?;
    Ok(Judged::new(map, limits, parsed(text)?, (text, hash))?)
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
