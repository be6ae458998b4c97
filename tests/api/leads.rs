//! Leads: made, read, changed, listed.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const CREATE: &str = "mutation($i: LeadCreateInput!) { leadCreate(input: $i) {
    lead { id name organisation email status version score grade owner { email } territory { name } respondBy respondedAt createdAt links { reason similarity record { __typename id } } }
    duplicates { reason similarity record { __typename id } }
    userErrors { code field message details } } }";

/// The answer to making a lead.
pub async fn create(person: &Person<'_>, input: Json) -> Json {
    person.data(CREATE, json!({ "i": input })).await["leadCreate"].clone()
}

/// A lead that was made.
pub async fn made(person: &Person<'_>, input: Json) -> Json {
    let answer = create(person, input).await;
    assert_eq!(answer["userErrors"], json!([]), "{answer}");
    answer["lead"].clone()
}

/// A mutation that takes a lead somewhere: its answer.
pub async fn step(person: &Person<'_>, lead: &Json, what: &str) -> Json {
    let query = format!(
        "mutation($id: ID!) {{ {what} {{ lead {{ id status version respondedAt nurtureUntil lostReason reopened mergedInto {{ id }} }} userErrors {{ code field message details }} }} }}"
    );
    let data = person.data(&query, json!({ "id": lead["id"] })).await;
    data.as_object().unwrap().values().next().unwrap().clone()
}

pub async fn read(person: &Person<'_>, lead: &Json, fields: &str) -> Json {
    let query = format!("query($id: ID!) {{ lead(id: $id) {{ {fields} }} }}");
    person.data(&query, json!({ "id": lead["id"] })).await["lead"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_worked_on_qualified_and_becomes_a_customer() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let input = json!({ "name": "Ada King Lovelace", "organisation": "Engines", "email": "Ada@Engines.example", "country": "GB" });
    let lead = made(&rep, input).await;
    assert_eq!(
        (&lead["status"], &lead["owner"]["email"], &lead["version"], &lead["grade"]),
        (&json!("NEW"), &json!("rep@acme.test"), &json!(1), &json!("D"))
    );
    let day = chrono::Duration::hours(24);
    let by = chrono::DateTime::parse_from_rfc3339(lead["respondBy"].as_str().unwrap()).unwrap();
    assert_eq!(by.to_utc(), app.clock.now().0 + day, "within a day");
    let worked = step(&rep, &lead, "leadWork(id: $id, expectedVersion: 1)").await;
    assert_eq!(
        (&worked["lead"]["status"], &worked["lead"]["version"]),
        (&json!("WORKING"), &json!(2))
    );
    assert!(worked["lead"]["respondedAt"].is_string());
    assert_eq!(step(&rep, &lead, "leadQualify(id: $id)").await["lead"]["status"], "QUALIFIED");
    let convert = "mutation($id: ID!) { leadConvert(id: $id, input: { createDeal: true }) {
        lead { status convertedCompany { id } convertedContact { id } convertedDeal { id } }
        company { id name domain owner { email } } contact { id firstName lastName email company { name } } deal { id name company { name } contact { lastName } owner { email } stage { name } stageHistory { to { name } } }
        userErrors { code field message } } }";
    let done = rep.data(convert, json!({ "id": lead["id"] })).await["leadConvert"].clone();
    assert_eq!(done["userErrors"], json!([]));
    assert_eq!(done["lead"]["status"], "CONVERTED");
    assert_eq!(
        (&done["company"]["name"], &done["company"]["domain"], &done["company"]["owner"]["email"]),
        (&json!("Engines"), &json!("engines.example"), &json!("rep@acme.test"))
    );
    assert_eq!(
        (&done["contact"]["firstName"], &done["contact"]["lastName"], &done["contact"]["email"]),
        (&json!("Ada King"), &json!("Lovelace"), &json!("ada@engines.example"))
    );
    assert_eq!(done["contact"]["company"]["name"], "Engines");
    assert_eq!(
        (
            &done["deal"]["name"],
            &done["deal"]["stage"]["name"],
            &done["deal"]["contact"]["lastName"]
        ),
        (&json!("Engines"), &json!("Qualification"), &json!("Lovelace"))
    );
    assert_eq!(done["deal"]["stageHistory"], json!([{ "to": { "name": "Qualification" } }]));
    let fields = "convertedCompany { id } convertedContact { id } convertedDeal { id }";
    let became = read(&rep, &lead, fields).await;
    for (field, kind) in [
        ("convertedCompany", "company"),
        ("convertedContact", "contact"),
        ("convertedDeal", "deal"),
    ] {
        assert_eq!(became[field]["id"], done[kind]["id"], "{field}");
    }
    let late = "mutation($id: ID!) { leadUpdate(id: $id, input: { city: \"Paris\" }) { lead { id } userErrors { code field details } } }";
    let late = rep.data(late, json!({ "id": lead["id"] })).await["leadUpdate"].clone();
    assert_eq!(refusal(&late).0, "INVALID_TRANSITION");
    assert_eq!(
        late["userErrors"][0]["details"],
        json!({ "from": "CONVERTED", "to": "CONVERTED", "allowed": [] })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_nothing_of_it() {
    let app = TestApp::new().await;
    let (rep, rival) = (app.sign_in("rep@acme.test").await, app.sign_in("owner@globex.test").await);
    let lead = made(&rep, json!({ "name": "Ada", "email": "ada@engines.example" })).await;
    let answer =
        rival.run("query($id: ID!) { lead(id: $id) { id } }", json!({ "id": lead["id"] })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND");
    let list = rival.data("{ leads { nodes { id } totalCount { value } } }", Json::Null).await;
    assert_eq!(list["leads"], json!({ "nodes": [], "totalCount": { "value": 0 } }));
    assert_eq!(refusal(&step(&rival, &lead, "leadWork(id: $id)").await), ("NOT_FOUND", vec!["id"]));
    let twin = create(
        &rival,
        json!({ "name": "Ada", "email": "ada@engines.example", "onDuplicate": "REJECT" }),
    )
    .await;
    assert_eq!((&twin["userErrors"], &twin["duplicates"]), (&json!([]), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sees_ones_own_and_a_manager_sees_all() {
    let app = TestApp::new().await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    let manager = app.sign_in("manager@acme.test").await;
    let lead = made(&rep, json!({ "name": "Ada" })).await;
    let count = async |person: &Person<'_>| {
        let list = person.data("{ leads { totalCount { value } } }", Json::Null).await;
        list["leads"]["totalCount"]["value"].clone()
    };
    assert_eq!(
        (count(&rep).await, count(&rep2).await, count(&manager).await),
        (json!(1), json!(0), json!(1))
    );
    let node =
        rep2.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": lead["id"] })).await;
    assert_eq!(node["errors"][0]["extensions"]["code"], "NOT_FOUND");
    let given = create(&rep, json!({ "name": "Bob", "ownerId": rep2.user().to_string() })).await;
    assert_eq!(refusal(&given), ("FORBIDDEN_FIELD", vec!["ownerId"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn something_must_be_known_of_it() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    assert_eq!(refusal(&create(&rep, json!({ "name": " " })).await), ("REQUIRED", vec!["name"]));
    assert_eq!(
        refusal(&create(&rep, json!({ "name": "A", "email": "no" })).await),
        ("INVALID", vec!["email"])
    );
    for (input, name) in [
        (json!({ "name": "", "organisation": "Engines", "phone": "1" }), "Engines"),
        (json!({ "name": "", "email": "a@b.example" }), "a@b.example"),
        (json!({ "name": "", "phone": "+1 555" }), "+1 555"),
    ] {
        assert_eq!(made(&rep, input).await["name"], name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_what_has_changed_is_told() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let lead = made(&rep, json!({ "name": "Ada", "city": "London" })).await;
    let query = "mutation($id: ID!, $i: LeadUpdateInput!) { leadUpdate(id: $id, expectedVersion: 1, input: $i) { lead { city version } userErrors { code field details } } }";
    let change = async |input: Json| {
        rep.data(query, json!({ "id": lead["id"], "i": input })).await["leadUpdate"].clone()
    };
    assert_eq!(
        change(json!({ "city": "Paris" })).await["lead"],
        json!({ "city": "Paris", "version": 2 })
    );
    let stale = change(json!({ "city": "Rome" })).await;
    assert_eq!(refusal(&stale), ("STALE_VERSION", vec!["expectedVersion"]));
    assert_eq!(
        stale["userErrors"][0]["details"]["changed"],
        json!([{ "field": "city", "before": "London", "now": "Paris" }])
    );
    let work = step(&rep, &lead, "leadWork(id: $id, expectedVersion: 1)").await;
    assert_eq!(refusal(&work).0, "STALE_VERSION");
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_listed_filtered_sorted_and_counted() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    for (name, source, country) in
        [("Cy", "Web", "DE"), ("ada", "Fair", "GB"), ("Bob", "Web", "US")]
    {
        made(&rep, json!({ "name": name, "source": source, "country": country, "organisation": format!("{name} & Co") })).await;
        app.clock.advance(std::time::Duration::from_secs(1));
    }
    let names = async |arguments: &str| -> Vec<String> {
        let query =
            format!("{{ leads({arguments}) {{ nodes {{ name }} totalCount {{ value }} }} }}");
        let list = rep.data(&query, Json::Null).await["leads"].clone();
        let names = list["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["name"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(names("first: 10").await, ["ada", "Bob", "Cy"]);
    assert_eq!(
        names("orderBy: [{ field: CREATED_AT, direction: DESC }]").await,
        ["Bob", "ada", "Cy"]
    );
    assert_eq!(names("orderBy: [{ field: UPDATED_AT }]").await, ["Cy", "ada", "Bob"]);
    assert_eq!(
        names("where: { source: { eq: \"Web\" }, status: { in: [NEW] } }").await,
        ["Bob", "Cy"]
    );
    assert_eq!(names("where: { search: \"ada &\" }").await, ["ada"]);
    assert_eq!(
        names("where: { grade: { eq: \"D\" }, score: { lte: 0 } }").await,
        ["ada", "Bob", "Cy"]
    );
    assert_eq!(names("where: { grade: { eq: \"A\" } }").await, [""; 0]);
    assert_eq!(names("where: { respondedAt: { isNull: false } }").await, [""; 0]);
    assert_eq!(names("where: { ownerId: { isNull: true } }").await, [""; 0]);
    let facets = rep.data("{ leads { facets(by: [STATUS, SOURCE, COUNTRY, OWNER, TERRITORY]) { field values { value count } } } }", Json::Null).await;
    let facets = &facets["leads"]["facets"];
    assert_eq!(facets[0], json!({ "field": "STATUS", "values": [{ "value": "NEW", "count": 3 }] }));
    assert_eq!(
        facets[1]["values"],
        json!([{ "value": "Web", "count": 2 }, { "value": "Fair", "count": 1 }])
    );
    assert_eq!(facets[3]["values"], json!([{ "value": rep.user().to_string(), "count": 3 }]));
    let all = "{ leads { nodes { id score grade scoreParts { rule } owner { name } territory { name } links { reason } mergedInto { id } convertedContact { id } convertedCompany { id } convertedDeal { id } availableTransitions { name allowed blockedBy } } } }";
    assert_eq!(rep.data(all, Json::Null).await["leads"]["nodes"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_at_once_deleted_restored_and_purged() {
    let app = TestApp::new().await;
    let (rep, admin) = (app.sign_in("rep@acme.test").await, app.sign_in("admin@acme.test").await);
    let query = "mutation($i: [LeadCreateInput!]!, $p: ErrorPolicy) { leadsCreate(input: $i, errorPolicy: $p) { leads { id name } userErrors { code elementIndex } } }";
    let input = json!([{ "name": "Ada" }, { "name": "" }, { "name": "Bob" }]);
    let none = rep.data(query, json!({ "i": input })).await["leadsCreate"].clone();
    assert_eq!(
        none,
        json!({ "leads": [], "userErrors": [{ "code": "REQUIRED", "elementIndex": 1 }] })
    );
    let some =
        rep.data(query, json!({ "i": input, "p": "REJECT_FAILED" })).await["leadsCreate"].clone();
    assert_eq!(
        (&some["leads"][0]["name"], &some["leads"][1]["name"]),
        (&json!("Ada"), &json!("Bob"))
    );
    let ids: Vec<_> =
        some["leads"].as_array().unwrap().iter().map(|lead| lead["id"].clone()).collect();
    let changes: Vec<_> =
        ids.iter().map(|id| json!({ "id": id, "input": { "source": "List" } })).collect();
    let query = "mutation($i: [LeadChangeInput!]!) { leadsUpdate(input: $i) { leads { source version } userErrors { code } } }";
    let changed = rep.data(query, json!({ "i": changes })).await["leadsUpdate"]["leads"].clone();
    assert_eq!(
        changed,
        json!([{ "source": "List", "version": 2 }, { "source": "List", "version": 2 }])
    );
    let query =
        "mutation($ids: [ID!]!) { leadsDelete(ids: $ids) { deletedIds userErrors { code } } }";
    assert_eq!(
        rep.data(query, json!({ "ids": ids })).await["leadsDelete"]["deletedIds"],
        json!(ids)
    );
    let bin = rep.data("{ leads(deleted: true) { totalCount { value } } }", Json::Null).await;
    assert_eq!(bin["leads"]["totalCount"]["value"], 2);
    let lead = json!({ "id": ids[0] });
    assert_eq!(refusal(&step(&rep, &lead, "leadWork(id: $id)").await).0, "NOT_FOUND");
    assert_eq!(step(&rep, &lead, "leadRestore(id: $id)").await["lead"]["status"], "NEW");
    let purge = "mutation($id: ID!) { leadPurge(id: $id) { deletedId userErrors { code } } }";
    let early = admin.data(purge, json!({ "id": ids[0] })).await["leadPurge"].clone();
    assert_eq!(early["userErrors"][0]["code"], "NOT_FOUND", "only what is deleted");
    assert_eq!(admin.data(purge, json!({ "id": ids[1] })).await["leadPurge"]["deletedId"], ids[1]);
}
