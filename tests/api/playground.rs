//! Every example in playground/operations is valid and runs.

use std::{collections::HashMap, fs, path::Path};

use async_graphql::parser::{parse_query, types::OperationType};
use serde_json::{Map, Value as Json, json};

use crate::support::{TestApp, sdl::schema};

/// An example names who runs it in its first line (`# as rep@acme.test`) and may leave ids to be
/// filled in: a variable `$companyId` gets some company's id.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/operations");
    let mut covered = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let app = TestApp::new().await;
        let who = text.lines().next().and_then(|line| line.strip_prefix("# as "));
        let person = match who {
            Some(who) => app.sign_in(who).await,
            None => app.anonymous(),
        };
        let mut known = HashMap::new();
        if who.is_some() {
            let data = person
                .data(
                    "{ companies(first: 1) { nodes { id version } } viewer { user { id } } }",
                    Json::Null,
                )
                .await;
            known.insert("companyId", data["companies"]["nodes"][0]["id"].clone());
            let rep = app.sign_in("rep@acme.test").await;
            let tag = "mutation { tagCreate(input: { name: \"Known\" }) { tag { id } } }";
            known
                .insert("tagId", rep.data(tag, Json::Null).await["tagCreate"]["tag"]["id"].clone());
            known.insert("userId", data["viewer"]["user"]["id"].clone());
        }
        let document = parse_query(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (_, operation) = document.operations.iter().next().unwrap();
        let mut variables = Map::new();
        for variable in &operation.node.variable_definitions {
            let variable = &variable.node;
            let key = variable.name.node.as_str();
            if variable.default_value.is_none() && !variable.var_type.node.nullable {
                let value = known.get(key).unwrap_or_else(|| panic!("{name}: what is ${key}?"));
                variables.insert(key.to_owned(), value.clone());
            }
        }
        let data = person.data(&text, Json::Object(variables)).await;
        for (key, value) in data.as_object().unwrap() {
            assert!(
                value.get("userErrors").is_none_or(|errors| *errors == json!([])),
                "{name}: {key} {value}"
            );
            assert!(!value.is_null() || key == "viewer", "{name}: {key} is null");
        }
        let root = if operation.node.ty == OperationType::Mutation { "Mutation" } else { "Query" };
        covered.push((root, text));
    }
    // Whoever meets the schema finds an example for every field.
    for (root, field) in schema().roots() {
        let name = &field.name.node;
        let shown = covered.iter().any(|(of, text)| *of == root && text.contains(name.as_str()));
        assert!(shown, "no example shows {root}.{name}");
    }
}
