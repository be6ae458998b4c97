//! Leads that are there already, and whom new ones go to.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::{
    leads::{create, made, read},
    support::{Person, TestApp, refusal},
};

async fn contact(person: &Person<'_>, email: &str, phone: &str) -> Json {
    let query = "mutation($e: String!, $p: String!) { contactCreate(input: { lastName: \"Known\", email: $e, phone: $p }) { contact { id } userErrors { code } } }";
    let data = person.data(query, json!({ "e": email, "p": phone })).await;
    data["contactCreate"]["contact"]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_is_found() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let known = contact(&rep, "ada@engines.example", "+44 (20) 7946-0958").await;
    let first = made(&rep, json!({ "name": "Ada Lovelace", "organisation": "Engines Ltd" })).await;
    let hits = async |input: Json| -> Vec<(String, String)> {
        let answer = create(&rep.dry_run(), input).await;
        assert_eq!(answer["userErrors"], json!([]), "{answer}");
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        let hits = answer["duplicates"].as_array().unwrap().iter();
        hits.map(|hit| (text(&hit["reason"]), text(&hit["record"]["id"]))).collect()
    };
    let hit = |reason: &str, of: &Json| vec![(reason.to_owned(), of.as_str().unwrap().to_owned())];
    assert_eq!(
        hits(json!({ "name": "X", "email": "ADA@engines.example" })).await,
        hit("EMAIL", &known)
    );
    assert_eq!(hits(json!({ "name": "X", "phone": "020 79460958" })).await, hit("PHONE", &known));
    let alike = json!({ "name": "Lovelace Ada", "organisation": "Engines Ltd." });
    assert_eq!(hits(alike).await, hit("NAME", &first["id"]));
    assert_eq!(hits(json!({ "name": "Ada Lovelace", "organisation": "Bakery" })).await, []);
    assert_eq!(hits(json!({ "name": "Somebody", "email": "x@gmail.com" })).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_alike_is_found_among_many_that_are_alike() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    // However they are walked through, by name or by age, it stands in the middle.
    let many = async |name: &str| {
        let one =
            |at| json!({ "name": format!("{name} {at}"), "organisation": format!("Firm {at}") });
        let leads: Vec<_> = (0..30).map(one).collect();
        let query =
            "mutation($l: [LeadCreateInput!]!) { leadsCreate(input: $l) { userErrors { code } } }";
        let made = manager.data(query, json!({ "l": leads })).await;
        assert_eq!(made["leadsCreate"]["userErrors"], json!([]), "{made}");
    };
    let ada = json!({ "name": "Ada Lovelace", "organisation": "Engines Ltd" });
    many("Ada Lovelac").await;
    let known = made(&manager, ada.clone()).await;
    many("Ada Lovelacz").await;
    let again = create(&manager.dry_run(), ada).await;
    assert_eq!(again["duplicates"][0]["record"]["id"], known["id"], "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_refused_linked_or_made() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let known = contact(&rep, "ada@engines.example", "1").await;
    let input =
        |how: &str| json!({ "name": "Ada", "email": "ada@engines.example", "onDuplicate": how });
    let refused = create(&rep, input("REJECT")).await;
    assert_eq!(refusal(&refused), ("DUPLICATE", vec!["email"]));
    assert_eq!(refused["userErrors"][0]["details"], json!({ "ids": [known] }));
    let linked = made(&rep, input("LINK")).await;
    assert_eq!(
        linked["links"],
        json!([{ "reason": "EMAIL", "similarity": 100, "record": { "__typename": "Contact", "id": known } }])
    );
    assert_eq!(made(&rep, input("CREATE")).await["links"], json!([]));
    // A colleague is told of, but is somebody else.
    let colleague =
        json!({ "name": "Charles", "email": "charles@engines.example", "onDuplicate": "REJECT" });
    let made = create(&rep, colleague).await;
    assert_eq!(made["userErrors"], json!([]));
    assert_eq!(made["duplicates"][0]["reason"], "DOMAIN");
}

/// Neither by a refusal nor by a hint.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_of_what_they_do_not_see() {
    let app = TestApp::new().await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    contact(&rep, "ada@engines.example", "+44 20 7946 0958").await;
    made(&rep, json!({ "name": "Ada Lovelace", "email": "ada@engines.example" })).await;
    let input = json!({ "name": "Ada Lovelace", "email": "ada@engines.example", "phone": "+44 20 7946 0958", "onDuplicate": "REJECT" });
    let lead = create(&rep2, input.clone()).await;
    assert_eq!((&lead["userErrors"], &lead["duplicates"]), (&json!([]), &json!([])));
    let manager = app.sign_in("manager@acme.test").await;
    assert_eq!(refusal(&create(&manager, input).await).0, "DUPLICATE");
}

/// A territory for German leads, with both reps.
async fn germany(app: &TestApp) -> Json {
    let manager = app.sign_in("manager@acme.test").await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    let query = "mutation { territoryCreate(input: { name: \"Germany\" }) { territory { id } } }";
    let id = manager.data(query, Json::Null).await["territoryCreate"]["territory"]["id"].clone();
    let query = "mutation($id: ID!, $a: ID!, $b: ID!) {
        territoryRulesReplace(id: $id, rules: [{ countries: [\"DE\"] }]) { userErrors { code } }
        territoryMembersReplace(id: $id, members: [{ userId: $a }, { userId: $b }]) { userErrors { code } } }";
    let who = json!({ "id": id, "a": rep.user().to_string(), "b": rep2.user().to_string() });
    let done = manager.data(query, who).await;
    assert_eq!(done["territoryMembersReplace"]["userErrors"], json!([]));
    id
}

async fn intake(app: &TestApp, territory: &Json, email: &str, input: Json) {
    let manager = app.sign_in("manager@acme.test").await;
    let who = app.sign_in(email).await.user().to_string();
    let query = "mutation($t: ID!, $u: ID!, $i: LeadIntakeInput!) { leadIntakeUpdate(territoryId: $t, userId: $u, input: $i) { territory { id } userErrors { code } } }";
    let done = manager.data(query, json!({ "t": territory, "u": who, "i": input })).await;
    assert_eq!(done["leadIntakeUpdate"]["userErrors"], json!([]));
}

fn owner(lead: &Json) -> String {
    lead["owner"]["email"].as_str().unwrap_or("nobody").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_leads_go_round_among_those_who_have_room() {
    let app = TestApp::new().await;
    let territory = germany(&app).await;
    let manager = app.sign_in("manager@acme.test").await;
    let german = json!({ "name": "Heinz", "country": "de" });
    let mut owners = Vec::new();
    for _ in 0..4 {
        let lead = made(&manager, german.clone()).await;
        assert_eq!(lead["territory"]["name"], "Germany");
        owners.push(owner(&lead));
    }
    assert_eq!(owners[..2], owners[2..], "round and round");
    assert_ne!(owners[0], owners[1]);
    // Whoever is away, or has enough, is left out.
    intake(&app, &territory, "rep@acme.test", json!({ "present": false })).await;
    for _ in 0..2 {
        assert_eq!(owner(&made(&manager, german.clone()).await), "rep2@acme.test");
    }
    intake(&app, &territory, "rep2@acme.test", json!({ "leadCap": 4 })).await;
    assert_eq!(owner(&made(&manager, german.clone()).await), "nobody", "it waits");
    // Who was named gets it, whatever the rules say; without a rule it is one's own.
    let named = json!({ "name": "Heinz", "country": "DE", "ownerId": manager.user().to_string() });
    assert_eq!(owner(&made(&manager, named).await), "manager@acme.test");
    assert_eq!(owner(&made(&manager, json!({ "name": "Ada" })).await), "manager@acme.test");
    let queued = json!({ "name": "Ada", "ownerId": null });
    assert_eq!(owner(&made(&manager, queued).await), "nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_go_to_the_same_person() {
    let app = TestApp::new().await;
    germany(&app).await;
    let manager = app.sign_in("manager@acme.test").await;
    let one = async |n: usize| {
        owner(&made(&manager, json!({ "name": format!("Heinz {n}"), "country": "DE" })).await)
    };
    let owners = futures_util::future::join_all((0..6).map(one)).await;
    let mut counts = BTreeMap::new();
    owners.into_iter().for_each(|owner| *counts.entry(owner).or_insert(0) += 1);
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_a_lead_for_somebody_else_sees_what_they_made() {
    let app = TestApp::new().await;
    let territory = germany(&app).await;
    intake(&app, &territory, "rep@acme.test", json!({ "present": false })).await;
    let rep = app.sign_in("rep@acme.test").await.with_key("once");
    let lead = made(&rep, json!({ "name": "Heinz", "country": "DE" })).await;
    assert_eq!(owner(&lead), "rep2@acme.test");
    let again = made(&rep, json!({ "name": "Heinz", "country": "DE" })).await;
    assert_eq!(again["id"], lead["id"], "and is told again of it");
    let gone =
        rep.run("query($id: ID!) { lead(id: $id) { id } }", json!({ "id": lead["id"] })).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "NOT_FOUND");
    let rep2 = app.sign_in("rep2@acme.test").await;
    assert_eq!(read(&rep2, &lead, "name").await["name"], "Heinz");
}
