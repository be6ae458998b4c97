//! What an operation costs. Worked out once for each document: a sum, in which only the lengths
//! that variables say are left open.

use std::{collections::HashMap, convert::Infallible};

use async_graphql::{
    Made, Name, Value, Variables,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use super::{SchemaMap, Shape, TooMuch, root_fields, root_of};
use crate::{config::Limits, graphql::directive::SIGN_INS};

const OBJECT: u64 = 1;
const CONNECTION: u64 = 2;
const CHANGE: u64 = 10;
/// What looks at more than it shows.
const WIDE: [&str; 2] = ["search", "analytics"];
const WIDE_COST: u64 = 10;
/// A page that does not say how long it is.
const PAGE: u64 = 20;
const LONGEST_PAGE: u64 = 100;
/// A list that is no page: it is bounded, but does not say how.
const LIST: u64 = 10;
const LENGTHS: [&str; 3] = ["first", "last", "ids"];

/// What running an operation costs.
#[derive(Clone, Debug, Default)]
pub struct Tariff {
    sum: Sum,
    /// What it costs whatever it finds.
    pub base: u64,
    /// How often it signs in, or asks for what leads there.
    pub sign_ins: u64,
}

impl Tariff {
    pub fn of(
        map: &SchemaMap,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
    ) -> Self {
        let mut pricing = Pricing { map, document, operation, known: HashMap::new() };
        let set = &operation.selection_set.node;
        let sum = pricing.set(set, root_of(operation));
        let mut tariff = Self { sum, base: 0, sign_ins: 0 };
        root_fields(document, set, &mut |field| {
            let name = field.name.node.as_str();
            tariff.base = tariff.base.saturating_add(own(root_of(operation), name));
            if operation.ty == OperationType::Mutation && SIGN_INS.contains(&name) {
                tariff.sign_ins = tariff.sign_ins.saturating_add(1);
            }
        });
        tariff
    }

    /// The most it can cost with these variables.
    pub fn price(&self, variables: &Variables) -> u64 {
        self.sum.price(variables)
    }

    /// What it did cost: so many objects of each type were made. Never more than was said before.
    pub fn spent(&self, made: &Made, price: u64) -> u64 {
        let mut spent = self.base;
        made.each(&mut |ty, count| {
            let each = if is_connection(ty) { CONNECTION } else { OBJECT };
            spent = spent.saturating_add(count.saturating_mul(each));
        });
        spent.min(price)
    }
}

/// Refuses a price that is too high.
pub fn affordable(limits: &Limits, cost: u64) -> Result<(), TooMuch> {
    match cost <= limits.cost {
        true => Ok(()),
        false => {
            let told = format!("The operation costs {cost}; at most {} is allowed.", limits.cost);
            Err(("COST_LIMIT_EXCEEDED", told))
        }
    }
}

pub fn is_connection(ty: &str) -> bool {
    ty.ends_with("Connection")
}

fn own(parent: &str, name: &str) -> u64 {
    match parent {
        "Mutation" => CHANGE,
        _ if WIDE.contains(&name) => WIDE_COST,
        _ => 0,
    }
}

#[derive(Clone, Debug, Default)]
struct Sum {
    known: u64,
    open: Vec<Open>,
}

/// A list, and what each of its records costs.
#[derive(Clone, Debug)]
struct Open {
    length: Length,
    each: Sum,
}

impl Sum {
    fn of(known: u64) -> Self {
        Self { known, open: Vec::new() }
    }

    fn and(mut self, other: Self) -> Self {
        self.known = self.known.saturating_add(other.known);
        self.open.extend(other.open);
        self
    }

    /// Nothing is left open where nothing can vary.
    fn times(self, length: Length) -> Self {
        match length.asked.is_empty() && self.open.is_empty() {
            true => Self::of(self.known.saturating_mul(length.unsaid)),
            false => Self { known: 0, open: vec![Open { length, each: self }] },
        }
    }

    fn price(&self, variables: &Variables) -> u64 {
        self.open.iter().fold(self.known, |sum, open| {
            let length = open.length.with(variables);
            sum.saturating_add(length.saturating_mul(open.each.price(variables)))
        })
    }
}

/// How many records a list has at most.
#[derive(Clone, Debug)]
struct Length {
    /// The first of these variables that says something, with what each says where it is absent.
    asked: Vec<(Name, Option<u64>)>,
    unsaid: u64,
}

impl Length {
    fn of(field: &Field, operation: &OperationDefinition, unsaid: u64) -> Self {
        let mut length = Self { asked: Vec::new(), unsaid };
        for value in LENGTHS.iter().filter_map(|name| field.get_argument(name)) {
            let mut variable = None;
            let value = value.node.clone().into_const_with(|name| {
                variable = Some(name);
                Ok::<_, Infallible>(Value::Null)
            });
            match (value, variable) {
                (Ok(Value::Null), Some(name)) => {
                    let defined = &operation.variable_definitions;
                    let definition = defined.iter().find(|one| one.node.name.node == name);
                    let default = definition.and_then(|one| one.node.default_value.as_ref());
                    length.asked.push((name, default.and_then(|one| said(&one.node))));
                }
                (Ok(value), _) => {
                    if let Some(count) = said(&value) {
                        length.unsaid = count;
                        break;
                    }
                }
            }
        }
        length
    }

    fn with(&self, variables: &Variables) -> u64 {
        let mut asked = self.asked.iter();
        let found = asked.find_map(|(name, default)| match variables.get(name) {
            Some(value) => said(value),
            None => *default,
        });
        found.unwrap_or(self.unsaid)
    }
}

/// Clamped before it is multiplied: −1 is no huge number.
fn said(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            let number = number.as_i64()?;
            Some(u64::try_from(number).unwrap_or(0).min(LONGEST_PAGE))
        }
        Value::List(items) => u64::try_from(items.len()).ok(),
        _ => None,
    }
}

struct Pricing<'a> {
    map: &'a SchemaMap,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    /// Nothing while it is being looked at: a circle is validation's to tell.
    known: HashMap<&'a str, Sum>,
}

impl<'a> Pricing<'a> {
    fn set(&mut self, set: &'a SelectionSet, parent: &str) -> Sum {
        set.items.iter().fold(Sum::default(), |sum, item| {
            sum.and(match &item.node {
                Selection::Field(field) => self.field(&field.node, parent),
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    let on = on.map_or(parent, |on| on.node.on.node.as_str());
                    self.set(&inline.node.selection_set.node, on)
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(spread.node.fragment_name.node.as_str())
                }
            })
        })
    }

    fn fragment(&mut self, name: &'a str) -> Sum {
        if let Some(sum) = self.known.get(name) {
            return sum.clone();
        }
        let Some(fragment) = self.document.fragments.get(name) else { return Sum::default() };
        self.known.insert(name, Sum::default());
        let on = fragment.node.type_condition.node.on.node.as_str();
        let sum = self.set(&fragment.node.selection_set.node, on);
        self.known.insert(name, sum.clone());
        sum
    }

    fn field(&mut self, field: &'a Field, parent: &str) -> Sum {
        let name = field.name.node.as_str();
        // Questions about the schema cost nothing, and neither does what there is not.
        let Some(info) = self.map.field(parent, name) else { return Sum::default() };
        let inner = self.set(&field.selection_set.node, &info.ty);
        let cost = match info.shape {
            Shape::Leaf => Sum::default(),
            Shape::Object => inner.and(Sum::of(OBJECT)),
            // The connection counts its records already.
            Shape::List if is_connection(parent) => inner.and(Sum::of(OBJECT)),
            Shape::List => {
                inner.and(Sum::of(OBJECT)).times(Length::of(field, self.operation, LIST))
            }
            Shape::Connection => {
                inner.times(Length::of(field, self.operation, PAGE)).and(Sum::of(CONNECTION))
            }
        };
        cost.and(Sum::of(own(parent, name)))
    }
}
