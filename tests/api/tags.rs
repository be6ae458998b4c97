//! Tags.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const REPLACE: &str =
    "mutation($id: ID!, $tags: [ID!]!) { companyTagsReplace(id: $id, tagIds: $tags) {
    company { tags { name } } userErrors { code field } } }";

async fn tag(person: &Person<'_>, name: &str) -> Json {
    let query = "mutation($name: String!) { tagCreate(input: { name: $name }) { tag { id } userErrors { code field } } }";
    person.data(query, json!({ "name": name })).await["tagCreate"].clone()
}

async fn company(person: &Person<'_>) -> Json {
    person.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await["companies"]["nodes"]
        [0]["id"]
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn companies_are_tagged_and_found_by_their_tags() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let (id, key, old) =
        (company(&rep).await, tag(&rep, "Key account").await, tag(&rep, "Old").await);
    let ids =
        |tags: &[&Json]| -> Vec<Json> { tags.iter().map(|tag| tag["tag"]["id"].clone()).collect() };
    let tagged = rep.data(REPLACE, json!({ "id": id, "tags": ids(&[&old, &key]) })).await;
    assert_eq!(
        tagged["companyTagsReplace"]["company"]["tags"],
        json!([{ "name": "Key account" }, { "name": "Old" }])
    );
    let fewer = rep.data(REPLACE, json!({ "id": id, "tags": ids(&[&key]) })).await;
    assert_eq!(fewer["companyTagsReplace"]["company"]["tags"], json!([{ "name": "Key account" }]));
    let count = async |filter: &str| {
        let query = format!(
            "{{ companies(where: {{ tags: {filter} }}) {{ totalCount {{ value }} nodes {{ tags {{ name }} }} }} }}"
        );
        rep.data(&query, Json::Null).await["companies"]["totalCount"]["value"].clone()
    };
    assert_eq!(count("{ some: { name: { startsWith: \"key\" } } }").await, 1);
    assert_eq!(count("{ some: { name: { eq: \"old\" } } }").await, 0);
    assert_eq!(count("{ none: {} }").await, 11);
    assert_eq!(
        count("{ every: { name: { eq: \"key account\" } } }").await,
        12,
        "those without tags too"
    );
    assert_eq!(count("{ every: { name: { eq: \"old\" } } }").await, 11);
    rep.data(
        "mutation($id: ID!) { tagDelete(id: $id) { deletedId } }",
        json!({ "id": key["tag"]["id"] }),
    )
    .await;
    assert_eq!(count("{ some: {} }").await, 0, "a deleted tag is gone from everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_tag_and_company_do_not_exist() {
    let app = TestApp::new().await;
    let (rep, rival) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@globex.test").await);
    let (ours, theirs) = (tag(&rep, "Ours").await["tag"]["id"].clone(), company(&rival).await);
    let stolen = rival.data(REPLACE, json!({ "id": theirs, "tags": [ours] })).await;
    assert_eq!(refusal(&stolen["companyTagsReplace"]), ("NOT_FOUND", vec!["tagIds"]));
    let foreign = rep.data(REPLACE, json!({ "id": theirs, "tags": [ours] })).await;
    assert_eq!(refusal(&foreign["companyTagsReplace"]), ("NOT_FOUND", vec!["id"]));
    assert_eq!(
        rival.data("{ tags { nodes { name } } }", Json::Null).await["tags"]["nodes"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_used_once() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let first = tag(&rep, "Hot").await["tag"]["id"].clone();
    assert_eq!(refusal(&tag(&rep, "HOT ").await), ("DUPLICATE", vec!["name"]));
    assert_eq!(refusal(&tag(&rep, &"x".repeat(51)).await), ("TOO_LONG", vec!["name"]));
    let query = "mutation($id: ID!, $v: Int) { tagUpdate(id: $id, expectedVersion: $v, input: { colour: \"red\" }) { tag { name colour version } userErrors { code field } } }";
    let changed = rep.data(query, json!({ "id": first, "v": 1 })).await;
    assert_eq!(
        changed["tagUpdate"]["tag"],
        json!({ "name": "Hot", "colour": "red", "version": 2 })
    );
    assert_eq!(
        refusal(&rep.data(query, json!({ "id": first, "v": 1 })).await["tagUpdate"]).0,
        "STALE_VERSION"
    );
}
