//! A query of any shape takes as many statements as it has edges, however long its pages are: shapes
//! that nobody thought of, made from the schema. (The budget is looked after in every test, by
//! support/statements.rs; these are the queries for it.)

use async_graphql::parser::types::{FieldDefinition, TypeKind};
use kontor::config::Limits;
use serde_json::{Value as Json, json};

use crate::support::{
    TestApp,
    sdl::{bare, schema},
};

const SHAPES: usize = 200;
const DEPTH: usize = 5;

struct Shapes {
    seed: u64,
    aliases: usize,
}

impl Shapes {
    fn below(&mut self, most: usize) -> usize {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap() % most
    }

    /// Some of these, each once.
    fn some<'a>(
        &mut self,
        mut fields: Vec<&'a FieldDefinition>,
        most: usize,
    ) -> Vec<&'a FieldDefinition> {
        let mut chosen = Vec::new();
        while !fields.is_empty() && chosen.len() < most {
            let at = self.below(fields.len());
            chosen.push(fields.swap_remove(at));
        }
        chosen
    }

    /// A field with all that it has below, under a name of its own.
    fn field(&mut self, field: &FieldDefinition, depth: usize) -> String {
        self.aliases += 1;
        let (alias, name) = (self.aliases, &field.name.node);
        let pages = field.arguments.iter().any(|argument| argument.node.name.node == "first");
        let arguments = if pages { "(first: $n)" } else { "" };
        let below = self.selection(bare(&field.ty.node), depth);
        format!(" f{alias}: {name}{arguments}{below}")
    }

    fn selection(&mut self, ty: &str, depth: usize) -> String {
        match schema().types.get(ty).map(|ty| &ty.kind) {
            Some(TypeKind::Union(union)) => {
                let members: Vec<&str> = union.members.iter().map(|m| m.node.as_str()).collect();
                let parts = members.into_iter().map(|member| {
                    let below = self.selection(member, depth);
                    format!(" ... on {member}{below}")
                });
                format!(" {{ __typename{} }}", parts.collect::<String>())
            }
            Some(TypeKind::Object(_)) if ty.ends_with("Connection") => {
                let nodes = schema().field(ty, "nodes").unwrap();
                let nodes = self.selection(bare(&nodes.ty.node), depth);
                let count = match self.below(2) {
                    0 if schema().field(ty, "totalCount").is_some() => " totalCount { value }",
                    _ => "",
                };
                format!(" {{ nodes{nodes}{count} }}")
            }
            Some(TypeKind::Object(_)) => {
                let free = |field: &&FieldDefinition| {
                    let arguments = &mut field.arguments.iter().map(|argument| &argument.node);
                    arguments.all(|one| one.ty.node.nullable || one.default_value.is_some())
                };
                let fields = schema().fields(ty).into_iter().filter(free);
                let (edges, leaves): (Vec<_>, Vec<_>) =
                    fields.partition(|field| schema().is_composite(bare(&field.ty.node)));
                let mut chosen = self.some(leaves, 3);
                if depth > 0 {
                    chosen.extend(self.some(edges, 3));
                }
                let parts =
                    chosen.into_iter().map(|field| self.field(field, depth.saturating_sub(1)));
                format!(" {{ __typename{} }}", parts.collect::<String>())
            }
            Some(TypeKind::Interface(_)) => " { id }".into(),
            _ => String::new(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_follow_the_edges_of_a_query_and_not_its_rows() {
    let limits = Limits {
        cost: u64::MAX,
        points: u32::MAX,
        fields: u64::MAX,
        aliases: u64::MAX,
        depth: 40,
        ..Limits::DEFAULT
    };
    let app = TestApp::new().await.limited(limits);
    let owner = app.sign_in("owner@acme.test").await;
    let lists: Vec<&FieldDefinition> = schema()
        .fields("Query")
        .into_iter()
        .filter(|field| {
            bare(&field.ty.node).ends_with("Connection") && field.name.node != "changes"
        })
        .collect();
    let mut shapes = Shapes { seed: 11, aliases: 0 };
    let soak = std::env::var("SOAK").is_ok();
    let mut rows = 0;
    for at in 0..if soak { 20 * SHAPES } else { SHAPES } {
        shapes.aliases = 0;
        let list = shapes.field(lists[at % lists.len()], DEPTH);
        let query = format!("query($n: Int) {{{list} }}");
        for length in [2, 12] {
            let answer = owner.run(&query, json!({ "n": length })).await;
            let told = answer["errors"].as_array().into_iter().flatten();
            let told: Vec<&Json> = told.collect();
            // What a person may not do by the tenant's rules, an owner may not either; but nothing fails.
            let unexpected = told.iter().find(|error| error["extensions"]["code"] != "FORBIDDEN");
            assert_eq!(unexpected, None, "{query}");
            rows += answer.to_string().matches("__typename").count();
        }
    }
    assert!(rows > 15_000, "only {rows} objects: shapes of nothing prove nothing");
}
