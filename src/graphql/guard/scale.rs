//! How large a document is: fields, aliases and levels, with every fragment in its place, each
//! fragment measured once.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};

use super::{SchemaMap, root_of};

/// What a selection amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    pub fields: u64,
    pub aliases: u64,
    pub depth: u64,
    pub introspection: u64,
}

impl Weight {
    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            ..self.or(other)
        }
    }

    /// The larger of each.
    pub fn or(self, other: Self) -> Self {
        Self {
            fields: self.fields.max(other.fields),
            aliases: self.aliases.max(other.aliases),
            depth: self.depth.max(other.depth),
            introspection: self.introspection.max(other.introspection),
        }
    }
}

pub struct Scale<'a> {
    map: &'a SchemaMap,
    document: &'a ExecutableDocument,
    known: HashMap<&'a str, Weight>,
    /// Fragments that are being measured: a circle is validation's to tell.
    open: Vec<&'a str>,
}

impl<'a> Scale<'a> {
    pub fn new(map: &'a SchemaMap, document: &'a ExecutableDocument) -> Self {
        Self { map, document, known: HashMap::new(), open: Vec::new() }
    }

    pub fn operation(&mut self, operation: &'a OperationDefinition) -> Weight {
        self.set(&operation.selection_set.node, root_of(operation))
    }

    pub fn fragment(&mut self, name: &'a str) -> Weight {
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
            return Weight { fields, aliases, introspection, depth: 0 };
        }
        Weight { fields, aliases, depth: inner.depth.saturating_add(1), ..inner }
    }
}
