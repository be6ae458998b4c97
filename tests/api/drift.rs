//! What is written by the code and committed is what the code says. `make schema` writes it anew.

use std::fmt::Write;

use crate::support::{TestApp, compare_file, sdl::schema};

#[test]
fn the_schema_file_is_the_schema() {
    compare_file("schema.graphql", &kontor::graphql::sdl());
}

#[test]
fn everything_in_the_schema_is_described() {
    use async_graphql::parser::types::TypeKind;
    let mut bare = Vec::new();
    for (name, ty) in &schema().types {
        if ty.description.is_none() {
            bare.push(name.clone());
        }
        let mut note = |field: &str, described: bool| {
            if !described {
                bare.push(format!("{name}.{field}"));
            }
        };
        match &ty.kind {
            TypeKind::Object(object) => {
                for field in &object.fields {
                    let field = &field.node;
                    note(&field.name.node, field.description.is_some());
                    for argument in &field.arguments {
                        let place = format!("{}({})", field.name.node, argument.node.name.node);
                        note(&place, argument.node.description.is_some());
                    }
                }
            }
            TypeKind::InputObject(input) => {
                input
                    .fields
                    .iter()
                    .for_each(|f| note(&f.node.name.node, f.node.description.is_some()));
            }
            TypeKind::Enum(of) => {
                of.values
                    .iter()
                    .for_each(|v| note(&v.node.value.node, v.node.description.is_some()));
            }
            _ => {}
        }
    }
    assert!(bare.is_empty(), "without a description: {bare:?}");
}

/// `src/schema.rs`, from the catalogue; diesel's command is not needed.
#[tokio::test(flavor = "multi_thread")]
async fn diesels_schema_is_the_catalogue() {
    let app = TestApp::new().await;
    let columns = app
        .sql(
            "SELECT c.relname || '|' || a.attname || '|' || a.attnotnull || '|' || t.typname || '|' || \
               coalesce((SELECT string_agg(k.attname, ', ' ORDER BY p.place) FROM pg_index i, \
                 unnest(i.indkey) WITH ORDINALITY p(attnum, place) JOIN pg_attribute k ON k.attnum = p.attnum \
                 WHERE i.indrelid = c.oid AND i.indisprimary AND k.attrelid = c.oid), '') \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             JOIN pg_type t ON t.oid = a.atttypid \
             WHERE c.relnamespace = 'kontor'::regnamespace AND c.relkind IN ('r', 'p') \
               AND NOT c.relispartition AND c.relname NOT LIKE '\\_\\_%' ORDER BY c.relname, a.attnum",
        )
        .await;
    let mut text =
        String::from("// Written by `make schema` from the migrated catalogue. Do not edit.\n");
    let mut table = String::new();
    for column in &columns {
        let parts: Vec<&str> = column.split('|').collect();
        let [of, name, not_null, ty, key] = parts[..] else { panic!("{column}") };
        if table != of {
            let close = if table.is_empty() { "" } else { "    }\n}\n" };
            write!(text, "{close}\ndiesel::table! {{\n    kontor.{of} ({key}) {{\n").unwrap();
            of.clone_into(&mut table);
        }
        let ty = diesel_type(ty);
        let ty = if not_null == "true" { ty } else { format!("Nullable<{ty}>") };
        writeln!(text, "        {name} -> {ty},").unwrap();
    }
    text.push_str("    }\n}\n\n");
    let joins = app
        .sql(
            "SELECT k.conrelid::regclass || '|' || k.confrelid::regclass || '|' || a.attname FROM pg_constraint k \
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
             WHERE k.contype = 'f' AND k.connamespace = 'kontor'::regnamespace AND cardinality(k.conkey) = 1 ORDER BY 1",
        )
        .await;
    for join in joins {
        let join = join.replace("kontor.", "");
        let parts: Vec<&str> = join.split('|').collect();
        let [from, to, column] = parts[..] else { panic!("{join}") };
        writeln!(text, "diesel::joinable!({from} -> {to} ({column}));").unwrap();
    }
    let related = app
        .sql(
            "SELECT DISTINCT k.conrelid::regclass || ', ' || k.confrelid::regclass FROM pg_constraint k \
             WHERE k.contype = 'f' AND k.connamespace = 'kontor'::regnamespace AND k.conrelid <> k.confrelid ORDER BY 1",
        )
        .await;
    for pair in related {
        let pair = pair.replace("kontor.", "");
        writeln!(text, "diesel::allow_tables_to_appear_in_same_query!({pair});").unwrap();
    }
    compare_file("src/schema.rs", &text);
}

fn diesel_type(name: &str) -> String {
    let plain = match name.trim_start_matches('_') {
        "uuid" => "Uuid",
        "text" => "Text",
        "bool" => "Bool",
        "int4" => "Integer",
        "int8" => "BigInt",
        "numeric" => "Numeric",
        "date" => "Date",
        "timestamptz" => "Timestamptz",
        "jsonb" => "Jsonb",
        "bytea" => "Bytea",
        other => panic!("what is {other} for diesel? say so here"),
    };
    if name.starts_with('_') { format!("Array<{plain}>") } else { plain.to_owned() }
}
