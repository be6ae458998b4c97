//! The schema as the tests read it: from its own text, like a client.

use std::{collections::HashMap, sync::OnceLock};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
};

const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];

pub struct Sdl {
    pub types: HashMap<String, TypeDefinition>,
}

pub fn schema() -> &'static Sdl {
    static SCHEMA: OnceLock<Sdl> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let parsed = parse_schema(kontor::graphql::sdl()).unwrap();
        let types = parsed.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(ty) => Some((ty.node.name.node.to_string(), ty.node)),
            _ => None,
        });
        Sdl { types: types.collect() }
    })
}

impl Sdl {
    pub fn fields(&self, ty: &str) -> Vec<&FieldDefinition> {
        match self.types.get(ty).map(|ty| &ty.kind) {
            Some(TypeKind::Object(object)) => object.fields.iter().map(|f| &f.node).collect(),
            Some(TypeKind::Interface(face)) => face.fields.iter().map(|f| &f.node).collect(),
            _ => Vec::new(),
        }
    }

    pub fn field(&self, ty: &str, name: &str) -> Option<&FieldDefinition> {
        self.fields(ty).into_iter().find(|field| field.name.node == name)
    }

    /// (root type, field) of everything one can ask or do.
    pub fn roots(&self) -> Vec<(&'static str, &FieldDefinition)> {
        ROOTS
            .into_iter()
            .flat_map(|root| self.fields(root).into_iter().map(move |field| (root, field)))
            .collect()
    }

    /// (type, field) of what takes a permission of its own inside a record.
    pub fn guarded_fields(&self) -> Vec<(&str, &FieldDefinition)> {
        let inner = self.types.keys().filter(|ty| !ROOTS.contains(&ty.as_str()));
        let fields =
            inner.flat_map(|ty| self.fields(ty).into_iter().map(move |f| (ty.as_str(), f)));
        let guarded = |field: &FieldDefinition| {
            field.directives.iter().any(|directive| directive.node.name.node == "requires")
        };
        fields.filter(|(_, field)| guarded(field)).collect()
    }

    pub fn is_composite(&self, ty: &str) -> bool {
        matches!(
            self.types.get(ty).map(|ty| &ty.kind),
            Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_))
        )
    }

    /// How many kinds of record there may be where this is said.
    pub fn kinds(&self, ty: &str) -> usize {
        match self.types.get(ty).map(|ty| &ty.kind) {
            Some(TypeKind::Union(union)) => union.members.len(),
            _ => 1,
        }
    }

    /// A record, or something that may be one.
    pub fn is_node(&self, ty: &str) -> bool {
        match self.types.get(ty).map(|ty| &ty.kind) {
            Some(TypeKind::Object(object)) => object.implements.iter().any(|i| i.node == "Node"),
            Some(TypeKind::Interface(_) | TypeKind::Union(_)) => true,
            _ => false,
        }
    }
}

/// The permission that a field's `@requires` names; `None` for `@public`.
pub fn requires(field: &FieldDefinition) -> Option<String> {
    let named = |name: &str| field.directives.iter().find(|d| d.node.name.node == name);
    match (named("requires"), named("public")) {
        (Some(requires), None) => {
            let permission = requires.node.get_argument("permission").unwrap();
            Some(permission.node.to_string().trim_matches('"').to_owned())
        }
        (None, Some(_)) => None,
        _ => panic!("{} needs @requires or @public, and only one", field.name.node),
    }
}

/// `[Company!]!` is a Company.
pub fn bare(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => bare(inner),
    }
}
