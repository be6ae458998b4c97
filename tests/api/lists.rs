//! Lists: pages, cursors, orders, filters, counts.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp};

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String, $where: CompanyWhere, $orderBy: [CompanyOrder!]) {
    companies(first: $first, after: $after, last: $last, before: $before, where: $where, orderBy: $orderBy) {
        nodes { name country } edges { cursor node { name } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount { value isEstimate } } }";

async fn page(person: &Person<'_>, variables: Json) -> Json {
    person.data(PAGE, variables).await["companies"].clone()
}

fn names(page: &Json) -> Vec<&str> {
    page["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect()
}

async fn refused(person: &Person<'_>, variables: Json) -> String {
    let answer = person.run(PAGE, variables).await;
    assert_eq!(answer["data"]["companies"], Json::Null);
    answer["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
}

/// Walks a list forwards and backwards in pages of five; both ways give what one page gives.
async fn walks(person: &Person<'_>, order: Json) {
    let whole = page(person, json!({ "first": 100, "orderBy": order })).await;
    let (mut forwards, mut after) = (Vec::new(), Json::Null);
    loop {
        let now = page(person, json!({ "first": 5, "after": after, "orderBy": order })).await;
        forwards.extend(names(&now).into_iter().map(str::to_owned));
        assert_eq!(now["pageInfo"]["hasPreviousPage"], !after.is_null());
        if now["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = now["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(forwards, names(&whole), "forwards by {order}");
    let (mut backwards, mut before) = (Vec::new(), Json::Null);
    loop {
        let now = page(person, json!({ "last": 5, "before": before, "orderBy": order })).await;
        let names: Vec<String> = names(&now).into_iter().map(str::to_owned).collect();
        backwards.splice(0..0, names);
        assert_eq!(now["pageInfo"]["hasNextPage"], !before.is_null());
        if now["pageInfo"]["hasPreviousPage"] == false {
            break;
        }
        before = now["pageInfo"]["startCursor"].clone();
    }
    assert_eq!(backwards, forwards, "backwards by {order}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_walked_in_pages_in_any_order_and_both_ways() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    for order in [
        Json::Null,
        json!([{ "field": "NAME", "direction": "DESC" }]),
        json!([{ "field": "CREATED_AT" }]),
        json!([{ "field": "CREATED_AT", "direction": "DESC" }, { "field": "NAME" }]),
        json!([{ "field": "UPDATED_AT" }, { "field": "NAME", "direction": "DESC" }, { "field": "CREATED_AT" }]),
    ] {
        walks(&rep, order).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_sorted_without_regard_to_case() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    rep.data(
        "mutation { companyCreate(input: { name: \"beAcon\" }) { company { id } } }",
        Json::Null,
    )
    .await;
    let page = page(&rep, json!({ "first": 3 })).await;
    assert_eq!(names(&page), ["Amber Logistics", "beAcon", "Beacon Analytics"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn edges_have_the_cursors_of_their_records() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let whole = page(&rep, json!({ "first": 100 })).await;
    let third = whole["edges"][2]["cursor"].clone();
    let rest = page(&rep, json!({ "first": 100, "after": third })).await;
    assert_eq!(names(&rest), names(&whole)[3..]);
    assert_eq!(whole["pageInfo"]["endCursor"], whole["edges"][11]["cursor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_good_for_its_own_list_only() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let cursor = page(&rep, json!({ "first": 2 })).await["pageInfo"]["endCursor"].clone();
    let text = cursor.as_str().unwrap();
    let (head, tail) = text.split_at(text.len() - 4);
    let turned: String = tail.chars().rev().collect();
    let rival = app.sign_in("rep@globex.test").await;
    assert_eq!(refused(&rival, json!({ "first": 2, "after": cursor })).await, "INVALID_CURSOR");
    for variables in [
        json!({ "first": 2, "after": cursor, "orderBy": [{ "field": "CREATED_AT" }] }),
        json!({ "first": 2, "after": cursor, "orderBy": [{ "field": "NAME", "direction": "DESC" }] }),
        json!({ "first": 2, "after": cursor, "where": { "country": { "eq": "US" } } }),
        json!({ "first": 2, "after": format!("{head}{turned}") }),
        json!({ "first": 2, "after": "" }),
        json!({ "first": 2, "after": "nonsense" }),
        json!({ "first": 2, "after": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }),
    ] {
        assert_eq!(refused(&rep, variables.clone()).await, "INVALID_CURSOR", "{variables}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_arguments_that_make_no_sense_are_refused() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    for variables in [
        json!({ "first": -1 }),
        json!({ "first": 101 }),
        json!({ "last": 101 }),
        json!({ "first": 1, "last": 1 }),
        json!({ "first": 1, "before": "x" }),
        json!({ "last": 1, "after": "x" }),
        json!({ "orderBy": [{ "field": "NAME" }, { "field": "NAME" }] }),
    ] {
        assert_eq!(refused(&rep, variables.clone()).await, "BAD_USER_INPUT", "{variables}");
    }
    let none = page(&rep, json!({ "first": 0 })).await;
    assert_eq!((names(&none).len(), &none["pageInfo"]["hasNextPage"]), (0, &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_say_which() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let named = async |filter: Json| -> Vec<String> {
        let page = page(&rep, json!({ "first": 100, "where": filter })).await;
        assert_eq!(page["totalCount"]["value"], names(&page).len(), "{filter}");
        names(&page).into_iter().map(|name| name.split(' ').next().unwrap().to_owned()).collect()
    };
    rep.data(
        "mutation { companyCreate(input: { name: \"100% Zeal_ous\" }) { company { id } } }",
        Json::Null,
    )
    .await;
    assert_eq!(named(json!({ "name": { "eq": "AMBER logistics" } })).await, ["Amber"]);
    assert_eq!(named(json!({ "name": { "startsWith": "d" } })).await, ["Delta"]);
    assert_eq!(named(json!({ "search": "LEGAL" })).await, ["Keystone"]);
    assert_eq!(named(json!({ "name": { "contains": "0%" } })).await, ["100%"]);
    assert_eq!(named(json!({ "name": { "contains": "l_o" } })).await, ["100%"]);
    assert_eq!(named(json!({ "name": { "contains": "\\" } })).await, [""; 0]);
    assert_eq!(named(json!({ "country": { "in": ["NO", "PT"] } })).await, ["Ember", "Lumen"]);
    assert_eq!(named(json!({ "country": { "isNull": true } })).await, ["100%"]);
    assert_eq!(
        named(
            json!({ "and": [{ "country": { "eq": "DE" } }, { "industry": { "ne": "Finance" } }] })
        )
        .await,
        ["Amber"]
    );
    assert_eq!(named(json!({ "or": [{ "country": { "eq": "IE" } }, { "domain": { "eq": "LUMEN.example" } }] })).await, ["Delta", "Lumen"]);
    assert_eq!(named(json!({ "or": [] })).await, [""; 0]);
    let not_us = named(json!({ "not": { "country": { "eq": "US" } } })).await;
    assert!(not_us.contains(&"100%".to_owned()), "what is unknown is not the US: {not_us:?}");
    assert_eq!(named(json!({ "country": { "ne": "US" } })).await, not_us);
    assert_eq!(named(json!({ "createdAt": { "lt": "2020-01-01T00:00:00Z" } })).await, [""; 0]);
    let own = named(json!({ "ownerId": { "eq": rep.user().to_string() } })).await;
    assert_eq!(own, ["100%"], "one's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_have_limits() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let wide: Vec<Json> = (0..30).map(|_| json!({ "name": { "eq": "x" } })).collect();
    for filter in [
        json!({ "country": { "in": many } }),
        json!({ "or": wide }),
        json!({ "ownerId": { "eq": "company_01h2xcejqtf2nbrexx3vqjhp41" } }),
        json!({ "ownerId": { "in": ["nonsense"] } }),
    ] {
        assert_eq!(refused(&rep, json!({ "where": filter })).await, "BAD_USER_INPUT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_counted_to_ten_thousand() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let insert = format!(
        "SET session_replication_role = replica; INSERT INTO kontor.companies (tenant_id, id, name, version, created_at, updated_at) \
         SELECT '{}', gen_random_uuid(), 'Many ' || n, 1, now(), now() FROM generate_series(1, 10001) n",
        rep.tenant().0
    );
    app.sql(&insert).await;
    let page = page(&rep, json!({ "first": 1 })).await;
    assert_eq!(page["totalCount"], json!({ "value": 10000, "isEstimate": true }));
}

/// A row more than the page has is read for those only who ask whether there is more.
#[tokio::test(flavor = "multi_thread")]
async fn whether_there_is_more_costs_a_row_only_where_it_is_asked() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let rows = async |asked: &str| {
        let query = format!("{{ companies(first: 3) {{ nodes {{ name }} {asked} }} }}");
        rep.answer(&query, Json::Null).await.rows
    };
    assert_eq!(rows("").await, 3);
    assert_eq!(rows("pageInfo { endCursor }").await, 3);
    assert_eq!(rows("info: pageInfo { more: hasNextPage }").await, 4);
    assert_eq!(rows("... on CompanyConnection { pageInfo { hasPreviousPage } }").await, 4);
}
