//! Tags.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

/// What has tags: what one is called, its list, and what makes one.
const KINDS: [(&str, &str, &str); 4] = [
    ("company", "companies", "companyCreate(input: { name: $n })"),
    ("contact", "contacts", "contactCreate(input: { lastName: $n })"),
    ("lead", "leads", "leadCreate(input: { name: $n })"),
    ("deal", "deals", "dealCreate(input: { name: $n })"),
];

async fn tag(person: &Person<'_>, name: &str) -> Json {
    let query = "mutation($name: String!) { tagCreate(input: { name: $name }) { tag { id } userErrors { code field } } }";
    person.data(query, json!({ "name": name })).await["tagCreate"].clone()
}

fn id(tag: &Json) -> &Json {
    &tag["tag"]["id"]
}

/// A new record of a kind; its id.
async fn make(person: &Person<'_>, (kind, _, create): (&str, &str, &str), name: &str) -> Json {
    let query = format!("mutation($n: String!) {{ made: {create} {{ {kind} {{ id }} }} }}");
    person.data(&query, json!({ "n": name })).await["made"][kind]["id"].clone()
}

/// Replaces the tags of a record of a kind (`id`, `tags`, `v`): the whole answer.
async fn replace(person: &Person<'_>, kind: &str, variables: Json) -> Json {
    let query = format!(
        "mutation($id: ID!, $v: Int, $tags: [ID!]!) {{ done: {kind}TagsReplace(id: $id, expectedVersion: $v, tagIds: $tags) {{
            record: {kind} {{ version tags {{ name }} }} userErrors {{ code field }} }} }}"
    );
    person.run(&query, variables).await
}

/// The same, where nothing fails: what was done.
async fn replaced(person: &Person<'_>, kind: &str, variables: Json) -> Json {
    let answer = replace(person, kind, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["done"].clone()
}

/// How many of those named "Zqx" there are, by their tags.
async fn count(person: &Person<'_>, list: &str, filter: &str) -> Json {
    let query = format!(
        "{{ {list}(where: {{ search: \"zqx\", tags: {filter} }}) {{ totalCount {{ value }} nodes {{ tags {{ name }} }} }} }}"
    );
    person.data(&query, Json::Null).await[list]["totalCount"]["value"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_tagged_and_found_by_their_tags() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let (key, old) = (tag(&manager, "Key account").await, tag(&manager, "Old").await);
    for of in KINDS {
        let (kind, list, _) = of;
        let record = make(&manager, of, "Zqx One").await;
        make(&manager, of, "Zqx Two").await;
        let tags = json!([id(&old), id(&key), id(&old)]);
        let tagged = replaced(&manager, kind, json!({ "id": record, "tags": tags })).await;
        let both = json!([{ "name": "Key account" }, { "name": "Old" }]);
        assert_eq!(tagged["record"], json!({ "version": 1, "tags": both }), "{kind}, by name");
        let fewer = replaced(&manager, kind, json!({ "id": record, "tags": [id(&key)] })).await;
        assert_eq!(fewer["record"]["tags"], json!([{ "name": "Key account" }]));
        for (filter, found) in [
            ("{ some: { name: { startsWith: \"key\" } } }", 1),
            ("{ some: { name: { eq: \"old\" } } }", 0),
            ("{ none: {} }", 1),
            ("{ every: { name: { eq: \"key account\" } } }", 2),
            ("{ every: { name: { eq: \"old\" } } }", 1),
        ] {
            assert_eq!(count(&manager, list, filter).await, found, "{list} {filter}");
        }
    }
    let gone = "mutation($id: ID!) { tagDelete(id: $id) { deletedId } }";
    manager.data(gone, json!({ "id": id(&key) })).await;
    for (kind, list, _) in KINDS {
        assert_eq!(count(&manager, list, "{ some: {} }").await, 0, "{kind}: gone from everything");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_put_on_what_one_may_change() {
    let app = TestApp::new().await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    let (viewer, rival) =
        (app.sign_in("viewer@acme.test").await, app.sign_in("rep@globex.test").await);
    let (ours, theirs) = (tag(&rep, "Ours").await, tag(&rival, "Theirs").await);
    let many: Vec<&Json> = std::iter::repeat_n(id(&ours), 51).collect();
    for of in KINDS {
        let (kind, list, _) = of;
        let record = make(&rep, of, "Zqx").await;
        let refused = async |who: &Person<'_>, id: &Json, tags: Json| {
            replaced(who, kind, json!({ "id": id, "tags": tags })).await
        };
        let not_seen = refused(&rep2, &record, json!([id(&ours)])).await;
        assert_eq!(refusal(&not_seen), ("NOT_FOUND", vec!["id"]), "{kind} of somebody else");
        let foreign = refused(&rival, &record, json!([])).await;
        assert_eq!(refusal(&foreign), ("NOT_FOUND", vec!["id"]), "{kind} of another tenant");
        let stolen = refused(&rep, &record, json!([id(&ours), id(&theirs)])).await;
        assert_eq!(refusal(&stolen), ("NOT_FOUND", vec!["tagIds"]), "a tag of another tenant");
        let stale = json!({ "id": record, "v": 2, "tags": [id(&ours)] });
        assert_eq!(refusal(&replaced(&rep, kind, stale).await).0, "STALE_VERSION");
        for (who, tags, code) in
            [(&rep, json!(many), "BAD_USER_INPUT"), (&viewer, json!([id(&ours)]), "FORBIDDEN")]
        {
            let answer = replace(who, kind, json!({ "id": record, "tags": tags })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{kind}: {answer}");
        }
        assert_eq!(count(&rep, list, "{ some: {} }").await, 0, "nothing of all that was written");
        refused(&rep, &record, json!([id(&ours)])).await;
        assert_eq!(count(&rep, list, "{ some: {} }").await, 1);
        assert_eq!(count(&viewer, list, "{ some: {} }").await, 1);
        assert_eq!(count(&rep2, list, "{ some: {} }").await, 0, "what one does not see");
    }
}

/// The log of changes tells of tags whoever sees what they are put on.
#[tokio::test(flavor = "multi_thread")]
async fn tags_that_are_put_on_and_taken_off_are_told() {
    let app = TestApp::new().await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    let admin = app.sign_in("admin@acme.test").await;
    let one = tag(&rep, "One").await;
    let told = "query($t: [String!]) { changes(types: $t) { nodes { type action } } }";
    for of in KINDS {
        let (kind, ..) = of;
        let record = make(&rep, of, "Zqx").await;
        let of = format!("{}{}Tag", kind[..1].to_uppercase(), &kind[1..]);
        for (tags, action) in [
            (json!([id(&one)]), "CREATED"),
            (json!([id(&one)]), "CREATED"),
            // A link that is gone is told of once: it is gone.
            (json!([]), "DELETED"),
        ] {
            replaced(&rep, kind, json!({ "id": record, "tags": tags })).await;
            let seen = rep.data(told, json!({ "t": [of] })).await;
            assert_eq!(seen["changes"]["nodes"], json!([{ "type": of, "action": action }]));
            let unseen = rep2.data(told, json!({ "t": [of] })).await;
            assert_eq!(unseen["changes"]["nodes"], json!([]));
        }
        let trail = format!(
            "{{ auditLog(where: {{ table: {{ eq: \"{kind}_tags\" }} }}) {{ nodes {{ action }} }} }}"
        );
        let trail = admin.data(&trail, Json::Null).await;
        assert_eq!(trail["auditLog"]["nodes"].as_array().unwrap().len(), 2, "{trail}");
    }
}

/// What is CONVERTED or DUPLICATE is not changed any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_lead_at_its_end_keeps_its_tags() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let one = tag(&manager, "One").await;
    let lead = make(&manager, KINDS[2], "Zqx").await;
    let other = make(&manager, KINDS[2], "Zqx too").await;
    let merge = "mutation($id: ID!, $other: ID!) { leadMerge(id: $id, intoId: $other) { userErrors { code } } }";
    manager.data(merge, json!({ "id": lead, "other": other })).await;
    let refused = replaced(&manager, "lead", json!({ "id": lead, "tags": [id(&one)] })).await;
    assert_eq!(refusal(&refused), ("INVALID_TRANSITION", vec!["id"]));
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
