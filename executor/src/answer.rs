//! An object's answer under construction: a tree of values, or JSON text.

use indexmap::IndexMap;
use real::{Name, Value};

use crate::{json, plan::Plan};

pub(crate) enum Answer {
    Tree(IndexMap<Name, Value>),
    Json {
        text: Vec<u8>,
        /// Values that came later, with their places in the text.
        late: Vec<(usize, Value)>,
    },
}

impl Answer {
    pub(crate) fn new(plan: &Plan, json: bool) -> Self {
        if json {
            Self::Json { text: Vec::with_capacity(plan.expected_size()), late: Vec::new() }
        } else {
            Self::Tree(plan.template.clone())
        }
    }

    pub(crate) fn put(&mut self, plan: &Plan, slot: usize, value: Value) {
        match self {
            Self::Tree(map) => put_slot(map, plan, slot, value),
            Self::Json { text, .. } => {
                if let Some(key) = plan.keys.get(slot) {
                    text.extend_from_slice(key);
                    json::write_value(text, &value);
                }
            }
        }
    }

    /// Lets a plain field write itself; there are none in a tree.
    pub(crate) fn leaf(&mut self, plan: &Plan, slot: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if let (Self::Json { text, .. }, Some(key)) = (self, plan.keys.get(slot)) {
            text.extend_from_slice(key);
            write(text);
        }
    }

    /// Keeps the place of a value that comes later; the number is for [`Answer::fill`].
    pub(crate) fn reserve(&mut self, plan: &Plan, slot: usize) -> usize {
        match self {
            Self::Tree(_) => slot,
            Self::Json { text, late } => {
                if let Some(key) = plan.keys.get(slot) {
                    text.extend_from_slice(key);
                }
                late.push((text.len(), Value::Null));
                late.len() - 1
            }
        }
    }

    pub(crate) fn fill(&mut self, plan: &Plan, place: usize, value: Value) {
        match self {
            Self::Tree(map) => put_slot(map, plan, place, value),
            Self::Json { late, .. } => {
                if let Some((_, kept)) = late.get_mut(place) {
                    *kept = value;
                }
            }
        }
    }

    pub(crate) fn finish(self, plan: &Plan) -> Value {
        let mut out = match self {
            Self::Tree(map) => return Value::Object(map),
            Self::Json { text, late } if late.is_empty() => text,
            Self::Json { text, late } => {
                let values = late.iter().map(|(_, value)| json::expected_len(value)).sum::<usize>();
                let mut out = Vec::with_capacity(text.len() + values + 1);
                let mut rest = text.as_slice();
                let mut done = 0;
                for (at, value) in &late {
                    let (before, after) = rest.split_at(at - done);
                    out.extend_from_slice(before);
                    json::write_value(&mut out, value);
                    (rest, done) = (after, *at);
                }
                out.extend_from_slice(rest);
                out
            }
        };
        json::close(&mut out, 0);
        plan.learn_size(out.len());
        Value::Binary(out.into())
    }
}

fn put_slot(map: &mut IndexMap<Name, Value>, plan: &Plan, slot: usize, value: Value) {
    if let Some((_, target)) = map.get_index_mut(slot) {
        if plan.shares_slots {
            merge(target, value);
        } else {
            *target = value;
        }
    }
}

/// Two answers for one response key: objects are merged, as the library does.
fn merge(target: &mut Value, value: Value) {
    match (target, value) {
        (Value::Object(target), Value::Object(fields)) => {
            for (key, value) in fields {
                match target.get_mut(&key) {
                    Some(target) => merge(target, value),
                    None => drop(target.insert(key, value)),
                }
            }
        }
        (Value::List(target), Value::List(items)) => {
            target.iter_mut().zip(items).for_each(|(target, value)| merge(target, value));
        }
        (target, value) => *target = value,
    }
}
