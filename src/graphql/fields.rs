//! Fields that take a permission of their own: which were masked, and which reads are to be
//! written down.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_graphql::{QueryPathNode, QueryPathSegment, Value};
use serde_json::json;
use uuid::Uuid;

use crate::{
    access::Viewer,
    db::{Done, write_down},
    jobs::Note,
};

/// A record's field, as the trail names it.
#[derive(Clone, Copy, Debug)]
pub struct ReadField {
    pub table: &'static str,
    pub record: Uuid,
    pub name: &'static str,
}

/// What an answer shows and hides.
#[derive(Debug, Default)]
pub struct Fields {
    masked: Vec<Vec<Value>>,
    read: BTreeMap<(&'static str, Uuid), BTreeSet<&'static str>>,
}

impl Fields {
    pub fn mask(&mut self, path: Option<&QueryPathNode<'_>>, within: Option<&str>) {
        let segment = |node: &QueryPathNode<'_>| match node.segment {
            QueryPathSegment::Index(at) => Value::from(at),
            QueryPathSegment::Name(name) => Value::from(name),
        };
        let Some(node) = path else { return };
        let mut path: Vec<Value> = vec![segment(node)];
        path.extend(node.parents().map(segment));
        path.reverse();
        path.extend(within.map(Value::from));
        self.masked.push(path);
    }

    pub fn read(&mut self, field: ReadField) {
        self.read.entry((field.table, field.record)).or_default().insert(field.name);
    }

    /// For `extensions.masked`; `None`: nothing was.
    pub fn take_masked(&mut self) -> Option<(String, Value)> {
        let mut paths = std::mem::take(&mut self.masked);
        // Fields are resolved as their data comes.
        paths.sort_by_cached_key(|path| Value::List(path.clone()).to_string());
        let paths = paths.into_iter().map(Value::List).collect();
        Some(("masked".into(), Value::List(paths))).filter(|(_, list)| *list != Value::List(vec![]))
    }

    /// What is to be written down of the reads; `None`: nothing.
    pub fn take_reads(&mut self, viewer: Option<&Viewer>, request: &str) -> Option<Note> {
        let reads = std::mem::take(&mut self.read);
        let viewer = viewer.filter(|_| !reads.is_empty())?;
        let done = reads.into_iter().map(|((table, record), fields)| Done {
            table,
            record,
            details: json!({ "fields": fields }),
        });
        let done: Arc<[Done]> = done.collect();
        Some(Note {
            tenant: viewer.tenant,
            actor: Some(viewer.actor()),
            request: request.to_owned(),
            write: Box::new(move |tx| {
                let done = done.clone();
                Box::pin(async move { write_down(tx, "READ", &done).await })
            }),
        })
    }
}
