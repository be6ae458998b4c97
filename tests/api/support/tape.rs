//! Documents that nobody would write, from a tape of numbers: a shorter tape and smaller numbers
//! make a simpler document, so that a failure is cut down by cutting the tape.

use std::fmt::Write;

use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind,
};
use serde_json::{Map, Value as Json, json};

use super::sdl::{bare, schema};

pub struct Tape<'a> {
    numbers: &'a [u16],
    fragments: usize,
    /// Variables that were used, with their types.
    variables: Vec<String>,
}

const STRANGE: [&str; 12] = [
    "\"\"",
    "\"\\u0000\"",
    "\"💥\u{202e}é\"",
    "\"\"\"block \\\"\"\" \"\"\"",
    "99999999999999999999",
    "-1",
    "1e309",
    "-0.0",
    "null",
    "true",
    "NO_SUCH_VALUE",
    "$undefined",
];
const NOISE: [&str; 14] =
    ["{", "}", "(", ")", "[", "]", "...", "\"", "\"\"\"", "#", "@", "$", "\u{feff}", "\u{0}"];

impl<'a> Tape<'a> {
    pub fn new(numbers: &'a [u16]) -> Self {
        Self { numbers, fragments: 0, variables: Vec::new() }
    }

    /// Below `below`; 0 at the end of the tape.
    fn next(&mut self, below: usize) -> usize {
        let Some((first, rest)) = self.numbers.split_first() else { return 0 };
        self.numbers = rest;
        usize::from(*first) % below.max(1)
    }

    /// Once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.next(times) == times - 1
    }

    pub fn document(mut self) -> (String, Json) {
        self.fragments = self.next(5);
        let mut text = String::new();
        let operations = 1 + usize::from(self.once_in(20));
        for operation in 0..operations {
            let root = if self.once_in(4) { "Mutation" } else { "Query" };
            self.variables.clear();
            let set = self.set(root, 0);
            let name = if operations > 1 { format!("O{operation}") } else { "O".into() };
            let declared = match self.variables.is_empty() {
                true => String::new(),
                false => format!("({})", self.variables.join(", ")),
            };
            writeln!(text, "{} {name}{declared} {set}", root.to_lowercase()).unwrap();
        }
        for fragment in 0..self.fragments {
            let types = ["Query", "Company", "CompanyConnection", "User", "Node", "Tag", "Viewer"];
            let on = types[self.next(types.len())];
            let set = self.set(on, 2);
            writeln!(text, "fragment F{fragment} on {on} {set}").unwrap();
        }
        while self.once_in(6) {
            text = self.broken(text);
        }
        let variables = match self.next(3) {
            0 => json!({}),
            1 => json!({ "v0": i64::MAX, "v1": "x", "v2": null, "v3": [[]], "v4": { "a": -1.5 } }),
            _ => {
                let values = [json!(100), json!(-7), json!("\u{0}"), json!([1, 2]), json!({})];
                let some = (0..6).map(|at| (format!("v{at}"), values[self.next(5)].clone()));
                Json::Object(some.collect::<Map<_, _>>())
            }
        };
        (text, variables)
    }

    fn set(&mut self, ty: &str, depth: usize) -> String {
        let fields = schema().fields(ty);
        let mut parts = Vec::new();
        for _ in 0..=self.next(4) {
            if self.fragments > 0 && self.once_in(4) {
                parts.push(format!("...F{}", self.next(self.fragments)));
            } else if self.once_in(12) {
                let inner = self.set(ty, depth + 1);
                parts.push(format!("... {} {inner}", self.directive()));
            } else if fields.is_empty() || self.once_in(30) {
                parts.push(
                    ["__typename", "noSuchField", "__schema { types { name } }"][self.next(3)]
                        .into(),
                );
            } else {
                let field = fields[self.next(fields.len())];
                parts.push(self.field(field, depth));
            }
        }
        format!("{{ {} }}", parts.join(" "))
    }

    fn field(&mut self, field: &FieldDefinition, depth: usize) -> String {
        let mut text = String::new();
        if self.once_in(6) {
            write!(text, "a{}: ", self.next(5)).unwrap();
        }
        text.push_str(&field.name.node);
        let mut arguments = Vec::new();
        for argument in &field.arguments {
            let argument = &argument.node;
            if !argument.ty.node.nullable || self.once_in(3) {
                let value = self.value(&argument.ty.node, depth);
                arguments.push(format!("{}: {value}", argument.name.node));
            }
        }
        if !arguments.is_empty() {
            write!(text, "({})", arguments.join(", ")).unwrap();
        }
        text.push_str(&self.directive());
        let ty = bare(&field.ty.node);
        if schema().is_composite(ty) {
            let set = if depth > 12 { "{ __typename }".into() } else { self.set(ty, depth + 1) };
            write!(text, " {set}").unwrap();
        }
        text
    }

    fn directive(&mut self) -> String {
        match self.once_in(15) {
            true => [" @skip(if: true)", " @include(if: false)", " @nonsense", " @skip(if: $v0)"]
                [self.next(4)]
            .into(),
            false => String::new(),
        }
    }

    fn value(&mut self, ty: &Type, depth: usize) -> String {
        if self.once_in(8) {
            return STRANGE[self.next(STRANGE.len())].into();
        }
        if self.once_in(8) {
            let name = format!("v{}", self.next(6));
            let declared = format!("${name}: {ty}");
            if !self.variables.iter().any(|one| one.starts_with(&format!("${name}:"))) {
                self.variables.push(declared);
            }
            return format!("${name}");
        }
        match &ty.base {
            BaseType::List(inner) => {
                let items: Vec<_> =
                    (0..self.next(4)).map(|_| self.value(inner, depth + 1)).collect();
                format!("[{}]", items.join(", "))
            }
            BaseType::Named(name) => self.named(name, depth),
        }
    }

    fn named(&mut self, name: &str, depth: usize) -> String {
        match name {
            "Int" => ["1", "20", "100", "0", "2147483647", "-2147483648"][self.next(6)].into(),
            "Boolean" => ["true", "false"][self.next(2)].into(),
            "ID" => {
                let kinds = ["company", "user", "tag", "role", "nonsense"];
                format!("\"{}_01h2xcejqtf2nbrexx3vqjhp41\"", kinds[self.next(5)])
            }
            "String" => {
                ["\"a\"", "\"x@y.example\"", "\"'; --\"", "\"\\uD83D\""][self.next(4)].into()
            }
            _ => match choices(name) {
                Some(choices) => choices[self.next(choices.len())].clone(),
                None => self.object(name, depth),
            },
        }
    }

    fn object(&mut self, name: &str, depth: usize) -> String {
        let mut parts = Vec::new();
        for field in inputs(name) {
            let wanted = !field.ty.node.nullable || (depth < 6 && self.once_in(4));
            if wanted && depth < 20 {
                let value = self.value(&field.ty.node, depth + 1);
                parts.push(format!("{}: {value}", field.name.node));
            }
        }
        format!("{{ {} }}", parts.join(", "))
    }

    /// A document that was cut, or got something in between.
    fn broken(&mut self, mut text: String) -> String {
        let mut at = self.next(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        match self.next(3) {
            0 => text.insert_str(at, NOISE[self.next(NOISE.len())]),
            1 => text.truncate(at),
            _ => {
                let times = 1 + self.next(200);
                text.insert_str(at, &"{ a(b: [".repeat(times));
            }
        }
        text
    }
}

/// The values of an enum.
fn choices(ty: &str) -> Option<Vec<String>> {
    match schema().types.get(ty).map(|ty| &ty.kind) {
        Some(TypeKind::Enum(kind)) => {
            Some(kind.values.iter().map(|value| value.node.value.node.to_string()).collect())
        }
        _ => None,
    }
}

/// The fields of an input.
fn inputs(ty: &str) -> Vec<&'static InputValueDefinition> {
    match schema().types.get(ty).map(|ty| &ty.kind) {
        Some(TypeKind::InputObject(input)) => input.fields.iter().map(|one| &one.node).collect(),
        _ => Vec::new(),
    }
}
