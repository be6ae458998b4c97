//! Operations made from the schema, so that no new field is forgotten.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind,
};
use serde_json::{Map, Value as Json, json};

use super::{
    Person,
    sdl::{bare, schema},
};

/// An id that nobody has, of a kind that is not known yet.
pub const NOBODY: &str = "01h2xcejqtf2nbrexx3vqjhp41";

/// An operation on one root field, with all that it needs.
pub struct Operation {
    pub query: String,
    pub variables: Map<String, Json>,
}

/// `optional`: fill what may be left out too, as far as ids go.
pub fn operation(root: &str, field: &FieldDefinition, optional: bool) -> Operation {
    let (mut declared, mut passed, mut variables) = (Vec::new(), Vec::new(), Map::new());
    for argument in &field.arguments {
        let argument = &argument.node;
        if let Some(value) = value_of(argument, optional, 0) {
            let name = argument.name.node.as_str();
            declared.push(format!("${name}: {}", argument.ty.node));
            passed.push(format!("{name}: ${name}"));
            variables.insert(name.to_owned(), value);
        }
    }
    let wrap = |parts: Vec<String>| match parts.is_empty() {
        true => String::new(),
        false => format!("({})", parts.join(", ")),
    };
    let selection = match bare(&field.ty.node) {
        ty if ty.ends_with("Payload") => " { userErrors { code field message } }",
        ty if schema().is_composite(ty) => " { __typename }",
        _ => "",
    };
    let (keyword, name) = (root.to_lowercase(), &field.name.node);
    let query = format!("{keyword}{} {{ {name}{}{selection} }}", wrap(declared), wrap(passed));
    Operation { query, variables }
}

fn value_of(input: &InputValueDefinition, optional: bool, depth: usize) -> Option<Json> {
    let ty = &input.ty.node;
    let required = !ty.nullable && input.default_value.is_none();
    let leads_to_ids = optional && depth < 4 && holds_id(bare(ty), 0);
    (required || leads_to_ids).then(|| example(ty, optional, depth))
}

/// Is it an id, or an input that holds one?
fn holds_id(ty: &str, depth: usize) -> bool {
    match schema().types.get(ty).map(|ty| &ty.kind) {
        Some(TypeKind::InputObject(input)) if depth < 3 => {
            input.fields.iter().any(|field| holds_id(bare(&field.node.ty.node), depth + 1))
        }
        _ => ty == "ID",
    }
}

fn example(ty: &Type, optional: bool, depth: usize) -> Json {
    let BaseType::Named(name) = &ty.base else {
        let BaseType::List(inner) = &ty.base else { unreachable!() };
        return json!([example(inner, optional, depth)]);
    };
    match schema().types.get(name.as_str()).map(|ty| &ty.kind) {
        Some(TypeKind::InputObject(input)) => {
            let fields = input.fields.iter().filter_map(|field| {
                let skipped = ["and", "or", "not"].contains(&field.node.name.node.as_str());
                let value = value_of(&field.node, optional, depth + 1).filter(|_| !skipped)?;
                Some((field.node.name.node.to_string(), value))
            });
            Json::Object(fields.collect())
        }
        Some(TypeKind::Enum(of)) => json!(of.values[0].node.value.node),
        _ => match name.as_str() {
            "ID" => {
                static PLACE: AtomicU32 = AtomicU32::new(0);
                json!(format!("nothing{}_{NOBODY}", PLACE.fetch_add(1, Relaxed)))
            }
            "Int" => json!(1),
            "Float" => json!(1.5),
            "Boolean" => json!(false),
            "Decimal" => json!("1"),
            "DateTime" => json!("2026-01-01T00:00:00Z"),
            "Date" => json!("2026-01-01"),
            "JSON" => json!({}),
            _ => json!("text"),
        },
    }
}

impl Operation {
    /// Learns from the product's own refusals which kind of id belongs where, and puts there what
    /// `id` gives for that kind.
    pub async fn fill_ids(&mut self, person: &Person<'_>, id: &dyn Fn(&str) -> String) {
        for _ in 0..100 {
            let answer = person.run(&self.query, Json::Object(self.variables.clone())).await;
            let Some((kind, place)) = expected_kind(&answer) else { return };
            let wanted = id(&kind);
            self.variables.values_mut().for_each(|value| put(value, &place, &wanted));
        }
        panic!("never satisfied: {} {:?}", self.query, self.variables);
    }

    /// Puts `id` wherever any kind of id would do.
    pub fn fill_rest(&mut self, id: &str) {
        self.variables.values_mut().for_each(|value| put(value, "nothing", id));
    }

    pub fn variables(&self) -> Json {
        Json::Object(self.variables.clone())
    }
}

/// "expected a company id, got a nothing7 id" wants a company's id at place 7.
fn expected_kind(answer: &Json) -> Option<(String, String)> {
    let message = answer["errors"][0]["message"].as_str()?;
    let told = message.split("expected a").nth(1)?.trim_start_matches('n').trim_start();
    let (kind, got) = told.split_once(" id, got a ")?;
    let place = got.split(" id").next().filter(|place| place.starts_with("nothing"))?;
    Some((kind.to_owned(), format!("{place}_")))
}

fn put(value: &mut Json, place: &str, id: &str) {
    match value {
        Json::String(text) if text.starts_with(place) => id.clone_into(text),
        Json::Array(items) => items.iter_mut().for_each(|item| put(item, place, id)),
        Json::Object(fields) => fields.values_mut().for_each(|field| put(field, place, id)),
        _ => {}
    }
}
