//! What becomes of leads: customers, or other leads.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::{
    leads::{made, read, step},
    support::{Person, TestApp, refusal},
};

const CONVERT: &str = "mutation($id: ID!, $v: Int, $i: LeadConvertInput!) { leadConvert(id: $id, expectedVersion: $v, input: $i) {
    lead { id status version } company { id name } contact { id lastName email } deal { id name } userErrors { code field message details } } }";

async fn convert(person: &Person<'_>, lead: &Json, input: Json) -> Json {
    let data = person.data(CONVERT, json!({ "id": lead["id"], "i": input })).await;
    data["leadConvert"].clone()
}

async fn qualified(person: &Person<'_>, input: Json) -> Json {
    let lead = made(person, input).await;
    assert_eq!(step(person, &lead, "leadQualify(id: $id)").await["userErrors"], json!([]));
    lead
}

fn uuid(lead: &Json) -> uuid::Uuid {
    kontor::leads::LeadId::parse(lead["id"].as_str().unwrap()).unwrap().0
}

/// Something that was done with a lead.
async fn note(app: &TestApp, person: &Person<'_>, lead: &Json) {
    let insert = format!(
        "SET session_replication_role = replica; INSERT INTO kontor.activities (tenant_id, id, kind, subject, lead_id, version, created_at, updated_at) \
         VALUES ('{}', gen_random_uuid(), 'NOTE', 'Known', '{}', 1, now(), now())",
        person.tenant().0,
        uuid(lead)
    );
    app.sql(&insert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_converted_once_whoever_tries_at_once() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let lead = qualified(&rep, json!({ "name": "Ada Lovelace", "organisation": "Engines", "email": "ada@engines.example" })).await;
    note(&app, &rep, &lead).await;
    let tries = (0..4).map(|_| convert(&rep, &lead, json!({ "createDeal": true })));
    let done = futures_util::future::join_all(tries).await;
    for one in &done {
        assert_eq!(one["userErrors"], json!([]));
        assert_eq!(one, &done[0]);
    }
    let count = "SELECT (SELECT count(*) FROM kontor.contacts WHERE email_key = 'ada@engines.example') || ' ' || \
        (SELECT count(*) FROM kontor.companies WHERE domain = 'engines.example') || ' ' || (SELECT count(*) FROM kontor.deals WHERE name = 'Engines') || ' ' || \
        (SELECT count(*) FROM kontor.lead_conversions) || ' ' || (SELECT count(*) FROM kontor.activities WHERE contact_id IS NOT NULL AND lead_id IS NULL)";
    assert_eq!(app.sql(count).await, ["1 1 1 1 1"]);
    let again =
        rep.data(CONVERT, json!({ "id": lead["id"], "v": 1, "i": { "createDeal": false } })).await;
    assert_eq!(again["leadConvert"], done[0], "the first result, whatever was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_linked_as_far_as_it_is_seen() {
    let app = TestApp::new().await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    let query = "mutation { companyCreate(input: { name: \"Engines Ltd\", domain: \"engines.example\" }) { company { id } }
        contactCreate(input: { lastName: \"Lovelace\", email: \"ada@engines.example\" }) { contact { id } } }";
    let known = rep.data(query, Json::Null).await;
    let input =
        json!({ "name": "A. Lovelace", "organisation": "Engines", "email": "ada@engines.example" });
    let lead = qualified(&rep, input.clone()).await;
    let done = convert(&rep, &lead, json!({ "createDeal": false })).await;
    assert_eq!(done["company"]["id"], known["companyCreate"]["company"]["id"]);
    assert_eq!(done["contact"]["id"], known["contactCreate"]["contact"]["id"]);
    assert_eq!(done["deal"], Json::Null);
    // Who does not see them makes their own, and learns nothing.
    let theirs = qualified(&rep2, input.clone()).await;
    let done = convert(&rep2, &theirs, json!({ "createDeal": false })).await;
    assert_eq!(done["userErrors"], json!([]));
    assert_ne!(done["company"]["id"], known["companyCreate"]["company"]["id"]);
    assert_eq!(done["contact"]["email"], Json::Null);
    // Named records must be seen.
    let third = qualified(&rep2, input).await;
    let named =
        json!({ "createDeal": false, "companyId": known["companyCreate"]["company"]["id"] });
    assert_eq!(refusal(&convert(&rep2, &third, named).await), ("NOT_FOUND", vec!["companyId"]));
    assert_eq!(read(&rep2, &third, "status").await["status"], "QUALIFIED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lead_became_can_be_removed() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let lead =
        qualified(&admin, json!({ "name": "Ada", "organisation": "Engines", "phone": "1" })).await;
    let done = convert(&admin, &lead, json!({ "createDeal": true })).await;
    let query = "mutation($c: ID!, $p: ID!) { companyDelete(id: $c) { deletedId } companyPurge(id: $c) { deletedId userErrors { code } }
        contactDelete(id: $p) { deletedId } contactPurge(id: $p) { deletedId userErrors { code } } }";
    let gone =
        admin.data(query, json!({ "c": done["company"]["id"], "p": done["contact"]["id"] })).await;
    assert_eq!(gone["companyPurge"]["userErrors"], json!([]));
    assert_eq!(gone["contactPurge"]["userErrors"], json!([]));
    let fields = "status convertedContact { id } convertedCompany { id } convertedDeal { id }";
    let left = read(&admin, &lead, fields).await;
    assert_eq!((&left["convertedContact"], &left["convertedCompany"]), (&Json::Null, &Json::Null));
    assert_eq!(left["convertedDeal"]["id"], done["deal"]["id"]);
}

fn merge(other: &Json) -> String {
    format!("leadMerge(id: $id, intoId: {})", other["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leads_become_one_and_two_again() {
    let app = TestApp::new().await;
    let (rep, manager) =
        (app.sign_in("rep@acme.test").await, app.sign_in("manager@acme.test").await);
    let twin = made(&rep, json!({ "name": "Ada L.", "email": "ada@engines.example", "city": "London", "employees": 5 })).await;
    let stays = made(&rep, json!({ "name": "Ada", "city": "Paris" })).await;
    step(&rep, &twin, "leadWork(id: $id)").await;
    note(&app, &rep, &twin).await;
    let denied = rep
        .run(
            &format!("mutation($id: ID!) {{ {} {{ userErrors {{ code }} }} }}", merge(&stays)),
            json!({ "id": twin["id"] }),
        )
        .await;
    assert_eq!(denied["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let merged = step(&manager, &twin, &merge(&stays)).await;
    assert_eq!(
        (&merged["lead"]["status"], &merged["lead"]["mergedInto"]["id"]),
        (&json!("DUPLICATE"), &stays["id"])
    );
    let fields = "email city employees version";
    assert_eq!(
        read(&rep, &stays, fields).await,
        json!({ "email": "ada@engines.example", "city": "Paris", "employees": 5, "version": 2 })
    );
    let of = async |lead: &Json| {
        app.sql(&format!("SELECT count(*) FROM kontor.activities WHERE lead_id = '{}'", uuid(lead)))
            .await[0]
            .clone()
    };
    assert_eq!((of(&twin).await, of(&stays).await), ("0".into(), "1".into()));
    // A lead that was merged is found, and not changed.
    assert_eq!(
        read(&rep, &twin, "status mergedInto { id }").await["mergedInto"]["id"],
        stays["id"]
    );
    assert_eq!(refusal(&step(&rep, &twin, "leadQualify(id: $id)").await).0, "INVALID_TRANSITION");
    assert_eq!(refusal(&step(&manager, &stays, &merge(&twin)).await), ("CYCLE", vec!["intoId"]));
    assert_eq!(refusal(&step(&manager, &stays, &merge(&stays)).await), ("INVALID", vec!["intoId"]));
    let third = made(&rep, json!({ "name": "Third" })).await;
    assert_eq!(refusal(&step(&manager, &third, &merge(&twin)).await), ("INVALID", vec!["intoId"]));
    // What was changed since stays; the rest is as it was.
    let query = "mutation($id: ID!) { leadUpdate(id: $id, input: { employees: 7 }) { userErrors { code } } }";
    rep.data(query, json!({ "id": stays["id"] })).await;
    let undone = step(&manager, &twin, "leadUnmerge(id: $id)").await;
    assert_eq!(
        (&undone["lead"]["status"], &undone["lead"]["mergedInto"]),
        (&json!("WORKING"), &Json::Null)
    );
    assert_eq!(
        read(&rep, &stays, fields).await,
        json!({ "email": null, "city": "Paris", "employees": 7, "version": 4 })
    );
    assert_eq!((of(&twin).await, of(&stays).await), ("1".into(), "0".into()));
    assert_eq!(
        refusal(&step(&manager, &twin, "leadUnmerge(id: $id)").await).0,
        "INVALID_TRANSITION"
    );
}

/// Makes tags of these names; their ids.
async fn tags(person: &Person<'_>, names: &[&str]) -> Vec<Json> {
    let mut ids = Vec::new();
    for name in names {
        let query = "mutation($n: String!) { tagCreate(input: { name: $n }) { tag { id } } }";
        let made = person.data(query, json!({ "n": name })).await;
        ids.push(made["tagCreate"]["tag"]["id"].clone());
    }
    ids
}

/// A lead gets exactly these tags.
async fn put_on(person: &Person<'_>, lead: &Json, tags: &[Json]) {
    let query = "mutation($id: ID!, $t: [ID!]!) { leadTagsReplace(id: $id, tagIds: $t) { userErrors { code } } }";
    let done = person.data(query, json!({ "id": lead["id"], "t": tags })).await;
    assert_eq!(done["leadTagsReplace"]["userErrors"], json!([]));
}

fn named(record: &Json) -> Vec<&str> {
    let tags = record["tags"].as_array().unwrap();
    tags.iter().map(|tag| tag["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contact_and_the_deal_that_a_lead_becomes_have_its_tags() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let ids = tags(&rep, &["Fair", "Key"]).await;
    let known = "mutation { contactCreate(input: { lastName: \"Known\", email: \"ada@engines.example\" }) { contact { id } } }";
    let query = "mutation($id: ID!) { leadConvert(id: $id, input: { createDeal: true }) {
        lead { tags { name } } company { tags { name } } contact { tags { name } } deal { tags { name } } } }";
    let became = async |input: Json| {
        let lead = qualified(&rep, input).await;
        put_on(&rep, &lead, &ids).await;
        rep.data(query, json!({ "id": lead["id"] })).await["leadConvert"].clone()
    };
    let ada = json!({ "name": "Ada", "organisation": "Engines", "email": "ada@engines.example" });
    let made = became(json!({ "name": "Bob", "organisation": "Looms", "phone": "1" })).await;
    for record in ["lead", "contact", "deal"] {
        assert_eq!(named(&made[record]), ["Fair", "Key"], "{record}");
    }
    assert_eq!(named(&made["company"]), [""; 0], "one lead says nothing of all who work there");
    rep.data(known, Json::Null).await;
    let linked = became(ada).await;
    assert_eq!(named(&linked["deal"]), ["Fair", "Key"]);
    assert_eq!(named(&linked["contact"]), [""; 0], "one that was there is linked, and not changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_joins_tags_and_its_undo_takes_back_what_was_joined() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let ids = tags(&manager, &["A", "B", "C", "D"]).await;
    let twin = made(&manager, json!({ "name": "Twin" })).await;
    let stays = made(&manager, json!({ "name": "Stays" })).await;
    put_on(&manager, &twin, &ids[..3]).await;
    put_on(&manager, &stays, &ids[2..]).await;
    let have = async |lead: &Json| named(&read(&manager, lead, "tags { name }").await).join(" ");
    step(&manager, &twin, &merge(&stays)).await;
    assert_eq!((have(&twin).await, have(&stays).await), ("A B C".into(), "A B C D".into()));
    // What was taken off since, and put on again by hand, is theirs.
    put_on(&manager, &stays, &ids[1..]).await;
    put_on(&manager, &stays, &ids).await;
    step(&manager, &twin, "leadUnmerge(id: $id)").await;
    assert_eq!((have(&twin).await, have(&stays).await), ("A B C".into(), "A C D".into()));
    // A record has fifty tags at most, however it gets them.
    let names: Vec<String> = (10..59).map(|number| format!("T{number}")).collect();
    let many = tags(&manager, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    put_on(&manager, &stays, &many).await;
    step(&manager, &twin, &merge(&stays)).await;
    let all = have(&stays).await;
    assert_eq!((all.split(' ').count(), &all[..6]), (50, "A T10 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_undone_for_thirty_days() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let (one, other) = (
        made(&manager, json!({ "name": "One" })).await,
        made(&manager, json!({ "name": "Other" })).await,
    );
    step(&manager, &one, &merge(&other)).await;
    app.clock.advance(Duration::from_hours(30 * 24 + 1));
    let manager = app.sign_in("manager@acme.test").await;
    assert_eq!(refusal(&step(&manager, &one, "leadUnmerge(id: $id)").await).0, "EXPIRED");
}
