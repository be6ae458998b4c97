//! Our executor answers as async-graphql does, and completes what it leaves out.

#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

extern crate kontor_executor as async_graphql;

use async_graphql::{
    Context, ContextSelectionSet, EmptyMutation, EmptySubscription, Enum, Error, Fast, ID,
    Interface, Many, Object, OutputType, Positioned, Request, Result, Schema, ServerResult, Union,
    Value, Variables, complete_root,
    leaf::Plain,
    parser::{parse_query, types::Field},
    registry::Registry,
    response_json,
};
use serde_json::{Value as Json, json};

#[derive(Enum, Copy, Clone, Eq, PartialEq)]
enum Stage {
    Open,
    Won,
}

struct Company(i32);
struct Person {
    id: i32,
}
struct Deal(i32);

/// Relations wait once, as behind a loader.
async fn wait(ctx: &Context<'_>) {
    if *ctx.data_unchecked::<bool>() {
        tokio::task::yield_now().await;
    }
}

#[Object]
impl Company {
    async fn id(&self) -> ID {
        self.0.into()
    }
    async fn name(&self) -> String {
        format!("Company \"{}\"\n", self.0)
    }
    async fn city(&self) -> Option<&str> {
        (self.0 % 2 == 0).then_some("Tallinn")
    }
    async fn staff(&self) -> i32 {
        self.0 * 10
    }
    async fn active(&self) -> bool {
        self.0 > 2
    }
    async fn r#type(&self) -> &str {
        "customer"
    }
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        wait(ctx).await;
        Ok(Some(Person { id: 900 + self.0 }))
    }
    async fn people(&self, ctx: &Context<'_>, first: Option<i32>) -> Result<Many<Person>> {
        wait(ctx).await;
        Ok((0..first.unwrap_or(3)).map(|id| Person { id }).collect())
    }
    async fn deals(&self, ctx: &Context<'_>) -> Many<Deal> {
        wait(ctx).await;
        (0..3).map(Deal).collect()
    }
    async fn grid(&self) -> Many<Many<Option<Person>>> {
        (0..2).map(|row| (0..2).map(|id| (row != id).then_some(Person { id })).collect()).collect()
    }
    async fn maybe_deals(&self, ctx: &Context<'_>) -> Many<Option<Deal>> {
        wait(ctx).await;
        (0..3).map(|id| Some(Deal(id))).collect()
    }
    async fn parent(&self) -> Option<Company> {
        (self.0 > 2).then_some(Company(self.0 - 1))
    }
    /// Plain, with what the context says of where it is.
    async fn boss(&self, ctx: &Context<'_>) -> Option<Person> {
        let path = ctx.path_node.map(|node| node.to_string_vec().join(".")).unwrap_or_default();
        (self.0 != 3).then_some(Person { id: path.len().try_into().unwrap() })
    }
    /// Plain objects in a plain list.
    async fn guests(&self) -> Many<Guest> {
        (0..self.0).map(Guest).collect()
    }
    async fn secret(&self) -> Result<Option<i32>> {
        Err(Error::new("forbidden"))
    }
    async fn broken(&self, ctx: &Context<'_>) -> Result<i32> {
        wait(ctx).await;
        Err(Error::new("broken"))
    }
    async fn things(&self) -> Vec<Thing> {
        vec![Thing::Person(Person { id: 1 }), Thing::Deal(Deal(2))]
    }
    async fn nodes(&self) -> Many<Node> {
        [Node::Person(Person { id: 1 }), Node::Deal(Deal(1))].into_iter().collect()
    }
}

#[Object]
impl Person {
    async fn id(&self) -> ID {
        self.id.into()
    }
    async fn name(&self) -> String {
        format!("Person {}", self.id)
    }
}

struct Guest(i32);
#[Object]
impl Guest {
    async fn seat(&self) -> i32 {
        self.0
    }
    async fn host(&self) -> Person {
        Person { id: self.0 }
    }
    async fn friend(&self, ctx: &Context<'_>) -> Person {
        wait(ctx).await;
        Person { id: -self.0 }
    }
}

#[Object]
impl Deal {
    async fn id(&self) -> ID {
        self.0.into()
    }
    async fn stage(&self) -> Stage {
        if self.0 == 0 { Stage::Won } else { Stage::Open }
    }
    async fn before(&self) -> Option<Stage> {
        (self.0 > 1).then_some(Stage::Won)
    }
    async fn won(&self) -> bool {
        self.0 == 0
    }
    /// Non-null; fails for one of three.
    async fn odd(&self) -> Result<i32> {
        if self.0 == 1 { Err(Error::new("odd")) } else { Ok(self.0) }
    }
}

#[derive(Union)]
enum Thing {
    Person(Person),
    Deal(Deal),
}

#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
enum Node {
    Person(Person),
    Deal(Deal),
}

/// In place of a company: is all that is asked of it plain?
struct IsPlain;
impl OutputType for IsPlain {
    fn type_name() -> std::borrow::Cow<'static, str> {
        <Company as OutputType>::type_name()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        <Company as OutputType>::create_type_info(registry)
    }
    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Company::is_plain(ctx, ctx.data_unchecked::<Fast>()).into())
    }
}

struct Query;
#[Object]
impl Query {
    async fn is_plain(&self) -> IsPlain {
        IsPlain
    }
    async fn companies(&self, ctx: &Context<'_>) -> Many<Company> {
        wait(ctx).await;
        (1..=4).map(Company).collect()
    }
    async fn company(&self, ctx: &Context<'_>, id: i32) -> Result<Option<Company>> {
        if id < 2 {
            wait(ctx).await;
        }
        if id == 13 {
            return Err(Error::new("unlucky"));
        }
        Ok((id < 10).then_some(Company(id)))
    }
}

/// The library's answer, ours as a tree, ours as JSON.
async fn answers(wait: bool, query: &str, variables: &Json) -> [Json; 3] {
    let document = parse_query(query).unwrap();
    let request = || Request::new(query).variables(Variables::from_json(variables.clone()));
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(wait).finish();
    let text = |body: Vec<u8>| serde_json::from_slice(&body).unwrap();
    [
        serde_json::to_value(schema.execute(request()).await).unwrap(),
        serde_json::to_value(schema.execute(request().data(Fast::tree())).await).unwrap(),
        text(response_json(&schema.execute(request().data(Fast::json(&document))).await, true)),
    ]
}

#[tokio::test]
async fn answers_equal_the_librarys() {
    let variables = json!({ "yes": true, "no": false, "n": 2 });
    let queries = [
        "{ companies { id name city staff active type owner { id name } people { name } deals { stage before won } } }",
        "{ a: company(id: 3) { x: id y: id name } b: company(id: 4) { name } }",
        "{ company(id: 3) { __typename ...A ... { staff } ... on Company { city } owner { ...P } } } fragment A on Company { id owner { id } ...B } fragment B on Company { city id } fragment P on Person { name __typename }",
        "query($yes: Boolean!, $no: Boolean!) { company(id: 3) { id @skip(if: $yes) name @include(if: $yes) staff @include(if: $no) owner @skip(if: $no) { id @include(if: $no) name } } }",
        "query($n: Int) { company(id: 3) { people(first: $n) { id } one: people(first: 1) { name } people(first: $n) { name } } }",
        "{ company(id: 3) { things { __typename ... on Person { id name } ... on Deal { id won } } nodes { id __typename ... on Person { name } ... on Deal { won } ...N } } } fragment N on Node { nid: id }",
        "{ company(id: 2) { parent { id } } top: company(id: 4) { parent { id parent { name people { id } } } } none: company(id: 77) { id } }",
        "{ company(id: 3) { grid { id name } } }",
        "{ companies { boss { id name } guests { seat host { __typename id } } } }",
        "{ companies { id guests { ...G friend { id } ... on Guest { host { id } } } boss { id } } } fragment G on Guest { seat s: seat }",
        "query($no: Boolean!) { companies { guests { seat @skip(if: $no) host { name id @include(if: $no) } } boss { name } } }",
        "{ company(id: 3) { nowhere } }",
        "{ company(id: \"x\") { id } }",
        "query($m: Int!) { company(id: $m) { id } }",
        "{ __schema { types { name kind fields { name type { name kind ofType { name } } args { name } } } } __type(name: \"Company\") { name } }",
    ];
    for query in queries {
        for wait in [false, true] {
            let [library, tree, json] = answers(wait, query, &variables).await;
            assert_eq!(library, tree, "tree of {query}");
            assert_eq!(library, json, "JSON of {query}");
        }
    }
}

#[tokio::test]
async fn a_failed_nullable_field_is_null_beside_its_error() {
    for wait in [false, true] {
        let query = "{ company(id: 3) { id secret name } }";
        let [library, ours @ ..] = answers(wait, query, &json!({})).await;
        for answer in ours {
            let company = json!({ "id": "3", "secret": null, "name": "Company \"3\"\n" });
            assert_eq!(answer["data"]["company"], company);
            assert_eq!(answer["errors"], library["errors"]);
        }
        assert!(library["data"]["company"].get("secret").is_none(), "the library still drops it");
    }
}

#[tokio::test]
async fn a_failed_non_null_field_fails_its_parent() {
    for wait in [false, true] {
        let query = "{ top: company(id: 4) { id parent { id people { id } broken } } }";
        let [_, ours @ ..] = answers(wait, query, &json!({})).await;
        for answer in ours {
            assert_eq!(answer["data"], json!({ "top": { "id": "4", "parent": null } }));
            assert_eq!(answer["errors"][0]["path"], json!(["top", "parent", "broken"]));
            assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_failed_item_is_null_in_a_list_of_nullables_and_fails_the_list_otherwise() {
    for wait in [false, true] {
        let query = "{ company(id: 4) { id maybeDeals { id odd } } }";
        let [_, ours @ ..] = answers(wait, query, &json!({})).await;
        for answer in ours {
            let deals = json!([{ "id": "0", "odd": 0 }, null, { "id": "2", "odd": 2 }]);
            assert_eq!(answer["data"]["company"]["maybeDeals"], deals);
            let path = json!(["company", "maybeDeals", 1, "odd"]);
            assert_eq!(answer["errors"][0]["path"], path);
        }
        // `deals` is non-null, so its object fails, which is nullable.
        let query = "{ top: company(id: 4) { parent { id deals { odd } } } }";
        let [_, ours @ ..] = answers(wait, query, &json!({})).await;
        for answer in ours {
            assert_eq!(answer["data"], json!({ "top": { "parent": null } }));
            let path = json!(["top", "parent", "deals", 1, "odd"]);
            assert_eq!(answer["errors"][0]["path"], path);
        }
    }
}

#[tokio::test]
async fn the_root_is_complete_and_in_query_order() {
    let query = "query($no: Boolean = false) { late: company(id: 1) { id } bad: company(id: 13) { id } ...F soon: company(id: 2) { id } off: company(id: 2) @include(if: $no) { id } } fragment F on Query { worse: company(id: 13) { id } }";
    let document = parse_query(query).unwrap();
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(true).finish();
    let request = Request::new(query).data(Fast::json(&document));
    let mut response = schema.execute(request).await;
    let (_, operation) = document.operations.iter().next().unwrap();
    let none = Variables::default();
    let mut strict = schema.execute(Request::new(query)).await;
    complete_root(&mut strict, &document, &operation.node, &none, &|name| name == "company");
    assert_eq!(strict.data, Value::Null, "a failed non-null field takes the whole answer");
    complete_root(&mut response, &document, &operation.node, &none, &|_| false);
    let body = String::from_utf8(response_json(&response, true)).unwrap();
    let data = r#"{"data":{"late":{"id":"1"},"bad":null,"worse":null,"soon":{"id":"2"}},"#;
    assert!(body.starts_with(data), "{body}");
    assert_eq!(response.errors.len(), 2);
}

/// Keys come in the order of the query, also when their values come late.
#[tokio::test]
async fn keys_come_in_query_order() {
    let query = "{ company(id: 3) { owner { id } id deals { id } name } }";
    let document = parse_query(query).unwrap();
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(true).finish();
    let response = schema.execute(Request::new(query).data(Fast::json(&document))).await;
    let body = String::from_utf8(response_json(&response, true)).unwrap();
    let start = r#"{"data":{"company":{"owner":{"id":"903"},"id":"3","deals":["#;
    assert!(body.starts_with(start), "{body}");
}

/// The derive macros do call our executor (after an upgrade they might not, silently).
#[tokio::test]
async fn hooked() {
    let query = "{ company(id: 3) { id } }";
    let fast = Fast::json(&parse_query(query).unwrap());
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(false).finish();
    let Value::Object(data) = schema.execute(Request::new(query).data(fast)).await.data else {
        panic!("no data");
    };
    assert!(matches!(data["company"], Value::Binary(_)));
}

/// A document in which each fragment spreads the next one twice is prepared in linear time.
#[test]
fn doubling_fragments_cost_no_more_than_their_length() {
    let mut query = String::from("{ company(id: 3) { ...F0 } }");
    for n in 0..60 {
        let next = n + 1;
        query.extend([format!(" fragment F{n} on Company {{ ...F{next} ...F{next} }}")]);
    }
    query += " fragment F60 on Company { owner { id } }";
    Fast::json(&parse_query(&query).unwrap());
}

/// Siblings that yield once before they ask have all said what they want when the first asks.
#[tokio::test]
async fn siblings_wait_for_each_other() {
    use std::sync::{Arc, Mutex};

    type Wanted = Arc<Mutex<(Vec<i32>, Vec<usize>)>>;
    struct Item(i32);
    #[Object]
    impl Item {
        async fn batched(&self, ctx: &Context<'_>) -> usize {
            let wanted = ctx.data_unchecked::<Wanted>();
            wanted.lock().unwrap().0.push(self.0);
            tokio::task::yield_now().await;
            let mut wanted = wanted.lock().unwrap();
            let batch = std::mem::take(&mut wanted.0).len();
            if batch > 0 {
                wanted.1.push(batch);
            }
            batch
        }
    }
    struct Root;
    #[Object]
    impl Root {
        async fn items(&self) -> Many<Item> {
            (0..10).map(Item).collect()
        }
    }
    let wanted = Wanted::default();
    let schema =
        Schema::build(Root, EmptyMutation, EmptySubscription).data(wanted.clone()).finish();
    let query = "{ items { batched } }";
    let fast = Fast::json(&parse_query(query).unwrap());
    schema.execute(Request::new(query).data(fast)).await;
    assert_eq!(wanted.lock().unwrap().1, [10]);
}

/// An object is counted once, whether it is plain or waits, and whether what it is part of does.
#[tokio::test]
async fn each_object_is_counted_once() {
    use std::collections::BTreeMap;

    let count = async |query: &str, fast: Fast| {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(true).finish();
        let made = fast.made();
        schema.execute(Request::new(query).data(fast)).await;
        let mut counts = BTreeMap::new();
        made.each(&mut |name, number| *counts.entry(name.to_owned()).or_insert(0) += number);
        counts
    };
    for (query, expected) in [
        ("{ companies { guests { seat host { id } } } }", [4, 10, 10]),
        ("{ companies { guests { seat host { id } friend { id } } } }", [4, 10, 20]),
        ("{ companies { id owner { id } boss { id } guests { host { id } } } }", [4, 10, 17]),
    ] {
        let [companies, guests, people] = expected;
        for fast in [Fast::json(&parse_query(query).unwrap()), Fast::tree()] {
            let counts = count(query, fast).await;
            let of = |name: &str| counts.get(name).copied().unwrap_or_default();
            assert_eq!([of("Company"), of("Guest"), of("Person")], [companies, guests, people]);
        }
    }
}

/// What waits, or may fail, or is one of several types is not plain, nor is what it is part of.
#[tokio::test]
async fn what_awaits_nothing_is_plain_with_all_that_is_asked_of_it() {
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(true).finish();
    let plain = async |asked: &str, tree: bool| {
        let query = format!("{{ isPlain {{ {asked} }} }}");
        let document = parse_query(&query).unwrap();
        let fast = if tree { Fast::tree() } else { Fast::json(&document) };
        let answer = schema.execute(Request::new(query).data(fast)).await;
        assert!(answer.errors.is_empty(), "{asked}");
        serde_json::to_value(answer.data).unwrap()["isPlain"] == true
    };
    for asked in [
        "id name city staff active type __typename",
        "boss { id } guests { seat host { __typename id } } parent { parent { name } }",
        "... on Company { n: name ... { boss { name } } } grid { id }",
        "boss { id @include(if: true) name @skip(if: true) }",
    ] {
        assert!(plain(asked, false).await, "{asked}");
        assert!(!plain(asked, true).await, "a tree has no text: {asked}");
    }
    for asked in [
        "owner { id }",
        "people(first: 1) { id }",
        "id secret",
        "things { __typename }",
        "nodes { id }",
        "parent { parent { owner { id } } }",
        "guests { seat friend { id } }",
    ] {
        assert!(!plain(asked, false).await, "{asked}");
    }
}
