//! The schema as a request is judged by it, read from the schema's own text: what clients see is
//! what is decided.

use std::collections::HashMap;

use async_graphql::{
    Positioned, Value,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};

/// Types with the fields they have.
pub struct SchemaMap(HashMap<String, HashMap<String, FieldInfo>>);

/// What a field is for whoever judges a request.
#[derive(Clone, Debug)]
pub struct FieldInfo {
    /// The type it leads to, without brackets and exclamation marks.
    pub ty: String,
    pub shape: Shape,
    /// Answers without sign-in.
    pub public: bool,
    /// The name of the permission that it takes.
    pub permission: Option<String>,
    pub non_null: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Leaf,
    Object,
    List,
    Connection,
}

impl SchemaMap {
    pub fn read(sdl: &str) -> Self {
        let definitions = parse_schema(sdl).map(|schema| schema.definitions).unwrap_or_default();
        let types: Vec<_> = definitions
            .into_iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(ty) => Some(ty.node),
                _ => None,
            })
            .collect();
        let composite: Vec<String> = types
            .iter()
            .filter(|ty| {
                matches!(ty.kind, TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_))
            })
            .map(|ty| ty.name.node.to_string())
            .collect();
        let fields = |list: Vec<Positioned<FieldDefinition>>| {
            list.into_iter().map(|field| info(field.node, &composite)).collect()
        };
        let types = types.into_iter().filter_map(|ty| match ty.kind {
            TypeKind::Object(object) => Some((ty.name.node.to_string(), fields(object.fields))),
            TypeKind::Interface(face) => Some((ty.name.node.to_string(), fields(face.fields))),
            _ => None,
        });
        Self(types.collect())
    }

    pub fn field(&self, ty: &str, name: &str) -> Option<&FieldInfo> {
        self.0.get(ty)?.get(name)
    }
}

fn info(field: FieldDefinition, composite: &[String]) -> (String, FieldInfo) {
    let ty = bare(&field.ty.node).to_owned();
    let shape = match (&field.ty.node.base, composite.contains(&ty)) {
        (_, false) => Shape::Leaf,
        (BaseType::List(_), true) => Shape::List,
        _ if ty.ends_with("Connection") => Shape::Connection,
        _ => Shape::Object,
    };
    let public = field.directives.iter().any(|directive| directive.node.name.node == "public");
    let requires = field.directives.iter().find(|one| one.node.name.node == "requires");
    let permission = requires.and_then(|requires| requires.node.get_argument("permission"));
    let permission = permission.and_then(|name| match &name.node {
        Value::String(name) => Some(name.clone()),
        _ => None,
    });
    let non_null = !field.ty.node.nullable;
    (field.name.node.to_string(), FieldInfo { ty, shape, public, permission, non_null })
}

fn bare(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => bare(inner),
    }
}
