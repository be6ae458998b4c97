//! Timelines: what happened with a record.

use std::time::Duration;

use kontor::access::{Permission, Viewer};
use serde_json::{Value as Json, json};

use crate::{
    leads::{made, step},
    support::{Person, TestApp},
};

const ENTRIES: &str = "totalCount { value } pageInfo { hasNextPage endCursor } nodes { id at kind actor { email }
    record { __typename id } activity { subject } stageChange { from { name } to { name } } changes { field before now } }";

/// A record's timeline.
async fn timeline(person: &Person<'_>, kind: &str, id: &Json, arguments: &str) -> Json {
    let query =
        format!("query($id: ID!) {{ {kind}(id: $id) {{ timeline{arguments} {{ {ENTRIES} }} }} }}");
    person.data(&query, json!({ "id": id })).await[kind]["timeline"].clone()
}

/// One line for each entry: its kind and what is in it.
fn told(timeline: &Json) -> Vec<String> {
    let line = |entry: &Json| {
        let text = |value: &Json| value.as_str().unwrap_or("-").to_owned();
        let what = match entry["kind"].as_str().unwrap() {
            "ACTIVITY" => text(&entry["activity"]["subject"]),
            "STAGE_CHANGE" => {
                let change = &entry["stageChange"];
                format!("{} > {}", text(&change["from"]["name"]), text(&change["to"]["name"]))
            }
            _ => {
                let changes = entry["changes"].as_array().unwrap().iter();
                changes.map(|change| text(&change["field"])).collect::<Vec<_>>().join(",")
            }
        };
        format!("{} {what}", entry["kind"].as_str().unwrap()).trim().to_owned()
    };
    timeline["nodes"].as_array().unwrap().iter().map(line).collect()
}

/// Runs a mutation a minute later; its only field.
async fn later(person: &Person<'_>, mutation: &str, variables: Json) -> Json {
    person.app.clock.advance(Duration::from_mins(1));
    let data = person.data(&format!("mutation {mutation}"), variables).await;
    let answer = data.as_object().unwrap().values().next().unwrap().clone();
    assert_eq!(answer["userErrors"], json!([]), "{answer}");
    answer
}

async fn company(person: &Person<'_>, name: &str) -> Json {
    let made = "($n: String!) { companyCreate(input: { name: $n }) { company { id } userErrors { code } } }";
    later(person, made, json!({ "n": name })).await["company"]["id"].clone()
}

async fn contact(person: &Person<'_>, company: &Json) -> Json {
    let made = "($c: ID) { contactCreate(input: { lastName: \"Ames\", companyId: $c }) { contact { id } userErrors { code } } }";
    later(person, made, json!({ "c": company })).await["contact"]["id"].clone()
}

async fn deal(person: &Person<'_>, company: &Json) -> Json {
    let made = "($c: ID) { dealCreate(input: { name: \"Fleet\", companyId: $c }) { deal { id } userErrors { code } } }";
    later(person, made, json!({ "c": company })).await["deal"]["id"].clone()
}

async fn note(person: &Person<'_>, about: &Json, subject: &str) -> Json {
    let made = "($a: ID!, $s: String!) { activityCreate(input: { kind: NOTE, subject: $s, aboutId: $a }) { activity { id } userErrors { code } } }";
    let made = later(person, made, json!({ "a": about, "s": subject })).await;
    made["activity"]["id"].clone()
}

async fn go(person: &Person<'_>, deal: &Json, stage: &str) {
    let stages = person.data("{ pipelines { stages { id name } } }", Json::Null).await;
    let stages = stages["pipelines"][0]["stages"].as_array().unwrap();
    let stage = stages.iter().find(|one| one["name"] == stage).unwrap();
    let moves = "($d: ID!, $s: ID!) { dealMove(id: $d, stageId: $s) { userErrors { code } } }";
    later(person, moves, json!({ "d": deal, "s": stage["id"] })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_s_timeline_tells_of_it_its_people_and_its_deals() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let rep = app.sign_in("rep@acme.test").await;
    let acorn = company(&manager, "Acorn").await;
    let ames = contact(&manager, &acorn).await;
    let fleet = deal(&manager, &acorn).await;
    note(&manager, &acorn, "about the company").await;
    note(&manager, &ames, "about the contact").await;
    note(&manager, &fleet, "about the deal").await;
    go(&manager, &fleet, "Needs").await;
    let update = "($id: ID!, $i: CompanyUpdateInput!) { companyUpdate(id: $id, input: $i) { userErrors { code } } }";
    later(&manager, update, json!({ "id": acorn, "i": { "city": "Rome", "phone": "+39 06" } }))
        .await;
    let owner = json!({ "ownerId": rep.user().to_string() });
    later(&manager, update, json!({ "id": acorn, "i": owner })).await;
    let seen = timeline(&manager, "company", &acorn, "(first: 50)").await;
    assert_eq!(
        told(&seen),
        [
            "OWNER_CHANGED ownerId",
            "CHANGED city,phone",
            "STAGE_CHANGE Qualification > Needs",
            "ACTIVITY about the deal",
            "ACTIVITY about the contact",
            "ACTIVITY about the company",
            "STAGE_CHANGE - > Qualification",
            "CREATED",
        ]
    );
    assert_eq!(seen["totalCount"]["value"], 8);
    let given = &seen["nodes"][0];
    assert_eq!(given["actor"]["email"], "manager@acme.test");
    assert_eq!(
        given["changes"][0],
        json!({ "field": "ownerId", "before": manager.user().to_string(), "now": rep.user().to_string() })
    );
    let about: Vec<&Json> =
        seen["nodes"].as_array().unwrap().iter().map(|entry| &entry["record"]["id"]).collect();
    assert_eq!(about, [&acorn, &acorn, &fleet, &fleet, &ames, &acorn, &fleet, &acorn]);
    let some = timeline(&manager, "company", &acorn, "(kinds: [CHANGED, STAGE_CHANGE])").await;
    assert_eq!((told(&some).len(), &some["totalCount"]["value"]), (3, &json!(3)));
    let none = timeline(&manager, "company", &acorn, "(kinds: [])").await;
    assert_eq!((told(&none).len(), &none["totalCount"]["value"]), (0, &json!(0)));
    // What happened long ago is looked for where it is kept.
    let delete = "($id: ID!) { companyDelete(id: $id) { userErrors { code } } }";
    app.clock.advance(Duration::from_hours(24 * 70));
    later(&manager, delete, json!({ "id": acorn })).await;
    let gone = format!(
        "{{ companies(first: 1, deleted: true) {{ nodes {{ timeline {{ {ENTRIES} }} }} }} }}"
    );
    let gone = manager.data(&gone, Json::Null).await["companies"]["nodes"][0]["timeline"].clone();
    assert_eq!((&told(&gone)[0], told(&gone).len()), (&"DELETED deletedAt".to_owned(), 9));
    assert_eq!(gone["nodes"][0]["record"], Json::Null, "nobody finds it any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_s_and_a_deal_s_timeline_tell_of_their_own() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let ames = contact(&rep, &Json::Null).await;
    let fleet = deal(&rep, &Json::Null).await;
    let update = "($id: ID!, $i: DealUpdateInput!) { dealUpdate(id: $id, input: $i) { userErrors { code } } }";
    later(&rep, update, json!({ "id": fleet, "i": { "contactId": ames } })).await;
    later(&rep, update, json!({ "id": fleet, "i": { "probability": 35 } })).await;
    note(&rep, &fleet, "offer").await;
    note(&rep, &ames, "hello").await;
    go(&rep, &fleet, "Needs").await;
    assert_eq!(
        told(&timeline(&rep, "deal", &fleet, "").await),
        [
            "STAGE_CHANGE Qualification > Needs",
            "ACTIVITY offer",
            "CHANGED probability,probabilitySet",
            "CHANGED contactId",
            "STAGE_CHANGE - > Qualification",
        ]
    );
    assert_eq!(
        told(&timeline(&rep, "contact", &ames, "").await),
        [
            "STAGE_CHANGE Qualification > Needs",
            "ACTIVITY hello",
            "ACTIVITY offer",
            "STAGE_CHANGE - > Qualification",
            "CREATED",
        ]
    );
    let away = "($id: ID!) { contactDelete(id: $id) { userErrors { code } } }";
    later(&rep, away, json!({ "id": ames })).await;
    let back = "($id: ID!) { contactRestore(id: $id) { userErrors { code } } }";
    later(&rep, back, json!({ "id": ames })).await;
    let ends = told(&timeline(&rep, "contact", &ames, "(first: 2)").await);
    assert_eq!(ends, ["RESTORED deletedAt", "DELETED deletedAt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_leads_have_one_timeline() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let ada = made(&manager, json!({ "name": "Ada", "email": "ada@engines.example" })).await;
    app.clock.advance(Duration::from_mins(1));
    let twin = made(&manager, json!({ "name": "Twin", "phone": "+44 20 5550100" })).await;
    note(&manager, &twin["id"], "with the twin").await;
    app.clock.advance(Duration::from_mins(1));
    step(&manager, &ada, "leadWork(id: $id)").await;
    app.clock.advance(Duration::from_mins(1));
    let into = format!("leadMerge(id: $id, intoId: {})", ada["id"]);
    assert_eq!(step(&manager, &twin, &into).await["userErrors"], json!([]));
    let seen = timeline(&manager, "lead", &ada["id"], "").await;
    // The phone is what it took over, in the same moment.
    let mut now = told(&seen);
    now[..2].sort();
    assert_eq!(
        now,
        [
            "CHANGED phone",
            "MERGED mergedIntoId,status",
            "STATUS_CHANGED respondedAt,status",
            "ACTIVITY with the twin",
            "CREATED",
            "CREATED"
        ]
    );
    let merged =
        seen["nodes"].as_array().unwrap().iter().find(|one| one["kind"] == "MERGED").unwrap();
    assert_eq!(merged["record"]["id"], twin["id"]);
    let into =
        merged["changes"].as_array().unwrap().iter().find(|one| one["field"] == "mergedIntoId");
    assert_eq!(into.unwrap()["now"], ada["id"], "ids are as everywhere");
    let own = told(&timeline(&manager, "lead", &twin["id"], "").await);
    assert_eq!(own, ["MERGED mergedIntoId,status", "CREATED"]);
    app.clock.advance(Duration::from_mins(1));
    step(&manager, &ada, "leadQualify(id: $id)").await;
    app.clock.advance(Duration::from_mins(1));
    step(&manager, &ada, "leadConvert(id: $id, input: { createDeal: false })").await;
    let last = told(&timeline(&manager, "lead", &ada["id"], "(first: 2)").await);
    assert_eq!(last, ["CONVERTED status", "STATUS_CHANGED status"]);
}

/// Thirty notes of one moment, and what was changed at that moment besides.
#[tokio::test(flavor = "multi_thread")]
async fn pages_have_neither_holes_nor_doubles_when_moments_are_equal() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let acorn = company(&manager, "Acorn").await;
    let fleet = deal(&manager, &acorn).await;
    let notes: Vec<Json> = (0..30)
        .map(|n| {
            let about = if n % 3 == 0 { &fleet } else { &acorn };
            json!({ "kind": "NOTE", "subject": format!("n{n}"), "aboutId": about })
        })
        .collect();
    let many = "mutation($i: [ActivityCreateInput!]!, $c: ID!) {
        a: companyUpdate(id: $c, input: { city: \"Rome\" }) { userErrors { code } }
        activitiesCreate(input: $i) { userErrors { code } }
        b: companyUpdate(id: $c, input: { city: \"Oslo\" }) { userErrors { code } } }";
    app.clock.advance(Duration::from_mins(1));
    manager.data(many, json!({ "i": notes, "c": acorn })).await;
    let whole = timeline(&manager, "company", &acorn, "(first: 100)").await;
    let ids = |page: &Json| -> Vec<String> {
        page["nodes"].as_array().unwrap().iter().map(|one| one["id"].to_string()).collect()
    };
    assert_eq!((ids(&whole).len(), &whole["totalCount"]["value"]), (34, &json!(34)));
    let (mut walked, mut after) = (Vec::new(), String::new());
    loop {
        let page = timeline(&manager, "company", &acorn, &format!("(first: 4 {after})")).await;
        walked.extend(ids(&page));
        assert_eq!(page["totalCount"]["value"], 34, "of the whole list, on every page");
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!("after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(walked, ids(&whole));
    // A cursor is of its list: with other kinds it is none.
    let query = format!(
        "query($id: ID!) {{ company(id: $id) {{ timeline(first: 1, kinds: [ACTIVITY], {after}) {{ {ENTRIES} }} }} }}"
    );
    let answer = manager.run(&query, json!({ "id": acorn })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_CURSOR");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_does_not_see_is_neither_in_it_nor_counted() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    let acorn = company(&rep, "Acorn").await;
    note(&rep, &acorn, "ours").await;
    let theirs = deal(&manager, &acorn).await;
    let give = "($id: ID!, $o: ID!) { dealUpdate(id: $id, input: { ownerId: $o }) { userErrors { code } } }";
    later(&manager, give, json!({ "id": theirs, "o": rep2.user().to_string() })).await;
    note(&rep2, &theirs, "theirs").await;
    let seen = timeline(&rep, "company", &acorn, "").await;
    assert_eq!(told(&seen), ["ACTIVITY ours", "CREATED"]);
    assert_eq!(seen["totalCount"]["value"], 2);
    let all = timeline(&manager, "company", &acorn, "").await;
    assert_eq!(
        told(&all),
        ["ACTIVITY theirs", "STAGE_CHANGE - > Qualification", "ACTIVITY ours", "CREATED"]
    );
    let query = format!("query($id: ID!) {{ company(id: $id) {{ timeline {{ {ENTRIES} }} }} }}");
    for stranger in [&rep2, &app.sign_in("owner@globex.test").await] {
        let answer = stranger.run(&query, json!({ "id": acorn })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND");
    }
    // A place that one may not read is left out.
    let but = |not: Permission| {
        let grants = Permission::ALL.iter().copied().filter(|one| *one != not).collect();
        app.as_viewer(Viewer { grants, ..manager.viewer() })
    };
    let deals = timeline(&but(Permission::ActivityRead), "company", &acorn, "").await;
    assert_eq!(told(&deals), ["STAGE_CHANGE - > Qualification", "CREATED"]);
    let notes = timeline(&but(Permission::DealRead), "company", &acorn, "").await;
    assert_eq!(told(&notes), ["ACTIVITY ours", "CREATED"]);
    assert_eq!(notes["totalCount"]["value"], 2);
    let nothing_else = [Permission::ApiUse, Permission::CompanyRead, Permission::UserRead];
    let reader = Viewer { grants: nothing_else.into_iter().collect(), ..manager.viewer() };
    let only = timeline(&app.as_viewer(reader), "company", &acorn, "").await;
    assert_eq!(told(&only), ["CREATED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_masked_and_deleted_activities_vanish() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let acorn = company(&manager, "Acorn").await;
    let said = note(&manager, &acorn, "said").await;
    let update = "($id: ID!, $i: CompanyUpdateInput!) { companyUpdate(id: $id, input: $i) { userErrors { code } } }";
    let rich =
        json!({ "city": "Rome", "annualRevenue": { "amount": "987654", "currency": "USD" } });
    later(&manager, update, json!({ "id": acorn, "i": rich })).await;
    let query = format!("query($id: ID!) {{ company(id: $id) {{ timeline {{ {ENTRIES} }} }} }}");
    let seen = manager.run(&query, json!({ "id": acorn })).await;
    assert!(seen.to_string().contains("987654"), "{seen}");
    let operations = app.sign_in("operations@acme.test").await;
    let masked = operations.run(&query, json!({ "id": acorn })).await;
    assert!(!masked.to_string().contains("987654"), "{masked}");
    let changes = &masked["data"]["company"]["timeline"]["nodes"][0]["changes"];
    assert_eq!(changes[0], json!({ "field": "annualRevenue", "before": null, "now": null }));
    assert_eq!(changes[2], json!({ "field": "city", "before": null, "now": "Rome" }));
    let paths = masked["extensions"]["masked"].as_array().unwrap();
    let path = json!(["company", "timeline", "nodes", 0, "changes", 0, "now"]);
    assert!(paths.contains(&path), "{masked}");
    let delete = "($id: ID!) { activityDelete(id: $id) { userErrors { code } } }";
    later(&manager, delete, json!({ "id": said })).await;
    let left = timeline(&manager, "company", &acorn, "").await;
    assert_eq!(told(&left).len(), 2);
    assert_eq!(left["totalCount"]["value"], 2);
}

/// The statements of each operation are counted by `Person::answer`.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_timelines_cost_what_one_costs() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let all = manager.data("{ companies { nodes { id name } } }", Json::Null).await;
    for company in all["companies"]["nodes"].as_array().unwrap() {
        for n in 0..3 {
            note(&manager, &company["id"], &format!("{} {n}", company["name"])).await;
        }
    }
    let query = |many: i32| {
        format!(
            "{{ companies(first: {many}) {{ nodes {{ name timeline(first: 2) {{ {ENTRIES} }} }} }} }}"
        )
    };
    let statements = async |many: i32| {
        let explain = "query($d: String!) { explain(document: $d) { statements } }";
        let explained = manager.data(explain, json!({ "d": query(many) })).await;
        explained["explain"]["statements"].as_i64().unwrap()
    };
    assert_eq!(statements(50).await, statements(1).await);
    let seen = manager.data(&query(50), Json::Null).await;
    for company in seen["companies"]["nodes"].as_array().unwrap() {
        let name = company["name"].as_str().unwrap();
        let said = [2, 1].map(|n| format!("ACTIVITY \"{name}\" {n}"));
        assert_eq!(told(&company["timeline"]), said);
        assert_eq!(company["timeline"]["pageInfo"]["hasNextPage"], true);
    }
}
