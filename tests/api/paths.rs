//! Whoever sees a record sees it on every path, and whoever does not sees it on none: lists, counts,
//! facets, `node`, the edges of other records, search, timelines, the log of changes and the
//! subscription. Kinds and edges are read from the schema, so that none can be forgotten.

mod ground;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_graphql::parser::types::{BaseType, FieldDefinition};
use kontor::{config::Limits, graphql::Next};
use serde_json::{Value as Json, json};

use crate::support::{
    Person, TestApp,
    sdl::{bare, schema},
};

use ground::{Dice, Ground, Kind, Reach, fill, has_tags, kinds, uuid};

type Ids = BTreeSet<String>;

/// The ids that an answer has somewhere below.
fn ids(value: &Json) -> Ids {
    match value {
        Json::Array(items) => items.iter().flat_map(ids).collect(),
        Json::Object(members) => match &members.get("id") {
            Some(Json::String(id)) => Ids::from([id.clone()]),
            _ => members.values().flat_map(ids).collect(),
        },
        _ => Ids::new(),
    }
}

fn takes_nothing(field: &FieldDefinition) -> bool {
    field
        .arguments
        .iter()
        .all(|argument| argument.node.ty.node.nullable || argument.node.default_value.is_some())
}

/// How an edge of a kind is asked for, when it leads to kinds of these.
fn asked(field: &FieldDefinition, kinds: &[Kind]) -> Option<String> {
    let (name, ty) = (field.name.node.as_str(), bare(&field.ty.node));
    let leads = |ty: &str| ty == "Node" || kinds.iter().any(|kind| kind.name == ty);
    let list = matches!(field.ty.node.base, BaseType::List(_));
    if !takes_nothing(field) {
        return None;
    }
    match ty.strip_suffix("Connection") {
        Some(node) if leads(node) => Some(format!(
            "{name}(first: 100) {{ nodes {{ id }} edges {{ node {{ id }} }} totalCount {{ value }} }}"
        )),
        None if leads(ty) || (list && leads(ty)) => Some(format!("{name} {{ id }}")),
        _ => None,
    }
}

/// Where each edge of each record leads, for one reader.
async fn edges(
    person: &Person<'_>,
    kinds: &[Kind],
) -> BTreeMap<(&'static str, String), BTreeMap<String, Ids>> {
    let mut all = BTreeMap::new();
    for kind in kinds {
        for field in schema().fields(kind.name) {
            let Some(asked) = asked(field, kinds) else { continue };
            let edge = field.name.node.to_string();
            let query = format!("{{ {}(first: 100) {{ nodes {{ id {asked} }} }} }}", kind.list);
            let answer = person.run(&query, Json::Null).await;
            let errors = answer["errors"].as_array().into_iter().flatten();
            for error in errors {
                assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{query}: {answer}");
            }
            let mut from = BTreeMap::new();
            for node in answer["data"][&kind.list]["nodes"].as_array().into_iter().flatten() {
                let led = &node[&edge];
                let found = ids(led);
                if led.get("totalCount").is_some() {
                    assert_eq!(led["totalCount"]["value"], found.len(), "{query}");
                    assert_eq!(ids(&led["nodes"]), found, "{query}");
                }
                from.insert(node["id"].as_str().unwrap().to_owned(), found);
            }
            all.insert((kind.name, edge), from);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_seen_on_every_path_or_on_none() {
    let limits = Limits { cost: 1_000_000, points: 1_000_000_000, ..Limits::DEFAULT };
    let app = TestApp::new().await.limited(limits);
    let soak = std::env::var("SOAK").is_ok();
    let kinds = kinds();
    let known: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    assert_eq!(
        BTreeSet::from_iter(known),
        BTreeSet::from(["Activity", "Company", "Contact", "Deal", "Lead"])
    );
    for kind in &kinds {
        app.sql(&format!("UPDATE kontor.{} SET deleted_at = now()", kind.table)).await;
    }
    let owner = app.sign_in("owner@acme.test").await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    let report = "mutation($u: ID!, $m: ID!) { userManagerSet(id: $u, managerId: $m) { userErrors { code } } }";
    let pair = json!({ "u": rep2.user().to_string(), "m": rep.user().to_string() });
    owner.data(report, pair).await;
    let mut territories = Vec::<Json>::new();
    for (name, above) in [("North", None), ("East", Some(0)), ("South", None)] {
        let above = above.map(|at: usize| territories[at].clone());
        let make = "mutation($n: String!, $p: ID) { territoryCreate(input: { name: $n, parentId: $p }) { territory { id } } }";
        let made = owner.data(make, json!({ "n": name, "p": above })).await;
        territories.push(made["territoryCreate"]["territory"]["id"].clone());
    }
    let member = "mutation($t: ID!, $u: ID!) { territoryMembersReplace(id: $t, members: [{ userId: $u }]) { userErrors { code } } }";
    owner.data(member, json!({ "t": territories[0], "u": rep.user().to_string() })).await;
    let territories: Vec<String> =
        territories.iter().map(|id| format!("'{}'", uuid(id.as_str().unwrap()))).collect();
    let theirs = territories[..2].join(", ");
    let quoted = |person: &Person<'_>| format!("'{}'", person.user().0);
    let people = ["NULL".to_owned(), quoted(&rep), quoted(&rep2), quoted(&owner)];
    let places = [&territories[..], &["NULL".to_owned()]].concat();
    let team = quoted(&rep2);

    let mut dice = Dice(7);
    let records = fill(&owner, &mut dice).await;
    let edges_of_all = edges(&owner, &kinds).await;
    assert!(edges_of_all.len() >= 12, "{:?}", edges_of_all.keys());
    let mut ground = Ground { app: &app, kinds, owner, reader: rep, records, edges: edges_of_all };
    let mut seen_and_not = (0, 0);
    for world in 0..if soak { 60 } else { 5 } {
        let reach = ground.shake(&mut dice, &people, &places).await;
        ground.reader = app.sign_in("rep@acme.test").await;
        let mut expected = BTreeMap::new();
        for kind in &ground.kinds {
            let seen = ground.expected(kind, reach[kind.name], &team, &theirs).await;
            seen_and_not.0 += seen.len();
            seen_and_not.1 += ground.records[kind.name].len() - seen.len();
            expected.insert(kind.name, seen);
        }
        let told = format!("world {world}, {reach:?}");
        lists(&ground, &reach, &expected, &told).await;
        nodes(&ground, &expected, &told).await;
        let all: Ids = expected.values().flatten().cloned().collect();
        for (edge, from) in edges(&ground.reader, &ground.kinds).await {
            assert_eq!(from.keys().cloned().collect::<Ids>(), expected[edge.0], "{told}: {edge:?}");
            for (record, led) in from {
                let there: Ids = ground.edges[&edge][&record].intersection(&all).cloned().collect();
                assert_eq!(led, there, "{told}: {edge:?} of {record}");
            }
        }
        search(&ground, &expected, &told).await;
        timelines(&ground, &expected, &told).await;
        log(&ground, &expected, &told).await;
        followed(&ground, &expected, &told).await;
    }
    assert!(seen_and_not.0 > 20 && seen_and_not.1 > 20, "{seen_and_not:?}");
}

type Expected = BTreeMap<&'static str, Ids>;

async fn lists(ground: &Ground<'_>, reach: &Reach, expected: &Expected, told: &str) {
    for Kind { name, list, .. } in &ground.kinds {
        let facet = &schema().types[&format!("{name}Facet")].kind;
        let async_graphql::parser::types::TypeKind::Enum(facet) = facet else { unreachable!() };
        let facet = &facet.values[0].node.value.node;
        let query = format!(
            "{{ {list}(first: 100) {{ nodes {{ id }} edges {{ node {{ id }} }} totalCount {{ value }} facets(by: [{facet}]) {{ values {{ count }} }} }} }}"
        );
        let answer = ground.reader.run(&query, Json::Null).await;
        if reach[name].is_none() {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{told}: {list}");
            continue;
        }
        let found = &answer["data"][list];
        let expected = &expected[name];
        assert_eq!(&ids(&found["nodes"]), expected, "{told}: {list} {answer}");
        assert_eq!(&ids(&found["edges"]), expected, "{told}: {list}, edges");
        assert_eq!(found["totalCount"]["value"], expected.len(), "{told}: {list}, count");
        let counted = found["facets"][0]["values"].as_array().unwrap().iter();
        let counted: i64 = counted.map(|value| value["count"].as_i64().unwrap()).sum();
        assert_eq!(counted, i64::try_from(expected.len()).unwrap(), "{told}: {list}, facet");
        if has_tags(name) {
            let query = format!(
                "{{ {list}(first: 100, where: {{ tags: {{ some: {{}} }} }}) {{ nodes {{ id }} }} }}"
            );
            let tagged = ground.reader.data(&query, Json::Null).await;
            assert_eq!(&ids(&tagged[list]["nodes"]), expected, "{told}: {list}, by tags");
        }
    }
}

async fn nodes(ground: &Ground<'_>, expected: &Expected, told: &str) {
    for Kind { name, .. } in &ground.kinds {
        let all = &ground.records[name];
        let many = ground
            .reader
            .run("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": all }))
            .await;
        assert_eq!(&ids(&many["data"]["nodes"]), &expected[name], "{told}: nodes {name}");
        let single = name.to_lowercase();
        for id in all {
            let query =
                format!("query($id: ID!) {{ node(id: $id) {{ id }} {single}(id: $id) {{ id }} }}");
            let one = ground.reader.run(&query, json!({ "id": id })).await;
            let seen = expected[name].contains(id);
            for path in ["node", &single] {
                assert_eq!(one["data"][path]["id"].is_string(), seen, "{told}: {path} {id}");
            }
        }
    }
}

async fn search(ground: &Ground<'_>, expected: &Expected, told: &str) {
    let query = "{ search(query: \"zqxmark\", first: 100) { result { ... on Node { id } } } }";
    let found = ground.reader.data(query, Json::Null).await;
    let all: Ids = expected.values().flatten().cloned().collect();
    assert_eq!(ids(&found["search"]), all, "{told}: search");
}

/// Of what the owner finds in a timeline the reader finds what is about records that they see.
async fn timelines(ground: &Ground<'_>, expected: &Expected, told: &str) {
    let all: Ids = expected.values().flatten().cloned().collect();
    for Kind { name, list, .. } in &ground.kinds {
        if schema().field(name, "timeline").is_none() {
            assert_eq!(*name, "Activity");
            continue;
        }
        let query = format!(
            "{{ {list}(first: 100) {{ nodes {{ id timeline(first: 100) {{ nodes {{ id kind record {{ id }} }} totalCount {{ value }} }} }} }} }}"
        );
        let read = async |person: &Person<'_>| {
            let answer = person.run(&query, Json::Null).await;
            let mut by_record = BTreeMap::new();
            for node in answer["data"][list]["nodes"].as_array().into_iter().flatten() {
                let entries = node["timeline"]["nodes"].as_array().unwrap().clone();
                assert_eq!(node["timeline"]["totalCount"]["value"], entries.len(), "{told}");
                by_record.insert(node["id"].as_str().unwrap().to_owned(), entries);
            }
            by_record
        };
        let everything = read(&ground.owner).await;
        for (record, entries) in read(&ground.reader).await {
            let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
            let there: Ids = everything[&record]
                .iter()
                .filter(|entry| all.contains(&text(&entry["record"]["id"])))
                .filter(|entry| entry["kind"] != "ACTIVITY" || all.contains(&text(&entry["id"])))
                .map(|entry| text(&entry["id"]))
                .collect();
            let found: Ids = entries.iter().map(|entry| text(&entry["id"])).collect();
            assert_eq!(found, there, "{told}: the timeline of {record}");
        }
    }
}

async fn log(ground: &Ground<'_>, expected: &Expected, told: &str) {
    let query = "query($t: [String!], $a: String) { changes(types: $t, after: $a, first: 100) { nodes { recordId node { id } } pageInfo { hasNextPage endCursor } } }";
    for Kind { name, .. } in &ground.kinds {
        let (mut after, mut found) = (Json::Null, Ids::new());
        loop {
            let page = ground.reader.data(query, json!({ "t": [name], "a": after })).await;
            let page = &page["changes"];
            found.extend(ids(&page["nodes"]));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(&found, &expected[name], "{told}: the log of {name}");
        if has_tags(name) {
            let page = json!({ "t": [format!("{name}Tag")] });
            let page = ground.reader.data(query, page).await;
            let put_on = page["changes"]["nodes"].as_array().unwrap().len();
            assert_eq!(put_on, expected[name].len(), "{told}: the tags of {name}");
        }
    }
}

/// Every record is changed; the reader hears of those that they see, and of no other.
async fn followed(ground: &Ground<'_>, expected: &Expected, told: &str) {
    let names: Vec<&str> = ground.kinds.iter().map(|kind| kind.name).collect();
    let follow = "subscription($t: [String!]) { changes(types: $t) { recordId } }";
    let mut following = ground.reader.follow(follow, json!({ "t": names })).await;
    for Kind { name, .. } in &ground.kinds {
        let (single, field) = (
            name.to_lowercase(),
            match *name {
                "Contact" => "title",
                "Activity" => "body",
                _ => "name",
            },
        );
        let text = format!("Zqxmark {told:.40}");
        let change = format!(
            "mutation($id: ID!, $t: String!) {{ {single}Update(id: $id, input: {{ {field}: $t }}) {{ userErrors {{ message }} }} }}"
        );
        for id in &ground.records[name] {
            let changed = ground.owner.data(&change, json!({ "id": id, "t": text })).await;
            assert_eq!(changed[format!("{single}Update")]["userErrors"], json!([]), "{changed}");
        }
    }
    let all: Ids = expected.values().flatten().cloned().collect();
    let mut heard = Ids::new();
    loop {
        let wait = if heard.len() < all.len() { 10_000 } else { 100 };
        let next = tokio::time::timeout(Duration::from_millis(wait), following.next()).await;
        let Ok(Next::Answer(answer)) = next else { break };
        let answer: Json = serde_json::from_slice(&answer.body).unwrap();
        heard.insert(
            answer["data"]["changes"]["recordId"]
                .as_str()
                .unwrap_or_else(|| panic!("{answer}"))
                .to_owned(),
        );
    }
    assert_eq!(heard, all, "{told}: the subscription");
}
