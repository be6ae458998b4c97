//! Finding records by what one remembers of them.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp};

const SEARCH: &str = "query($q: String!, $t: [String!], $n: Int) { search(query: $q, types: $t, first: $n) { score snippet result { __typename ... on Company { id name } ... on Contact { id name } ... on Lead { id name } ... on Deal { id name } ... on Activity { id name: subject } } } }";

async fn found(person: &Person<'_>, query: &str) -> Vec<(String, String)> {
    let answer = person.data(SEARCH, json!({ "q": query })).await;
    let hits = answer["search"].as_array().unwrap().iter();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    hits.map(|hit| (text(&hit["result"]["__typename"]), text(&hit["result"]["name"]))).collect()
}

fn named(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

/// A company and what belongs to it.
async fn fill(person: &Person<'_>) -> Json {
    let make = "mutation {
      companyCreate(input: { name: \"Zephyr Umzüge\", domain: \"zephyr-moves.example\", city: \"Köln\", phone: \"+49 221 5557788\" }) { company { id } userErrors { message } }
      contactCreate(input: { firstName: \"Annegret\", lastName: \"Quastenflosser\", email: \"a.quastenflosser@zephyr-moves.example\", phone: \"(030) 400-500-60\", title: \"Head of Piano Transport\" }) { contact { id } userErrors { message } }
      leadCreate(input: { name: \"Wilhelmina Vanderbilt\", organisation: \"Vanderbilt Harbour Tours\", email: \"w@vanderbilt.example\" }) { lead { id } userErrors { message } }
      dealCreate(input: { name: \"Zephyr: relocation of 40 pianos\" }) { deal { id } userErrors { message } }
    }";
    let made = person.data(make, Json::Null).await;
    let about = made["dealCreate"]["deal"]["id"].clone();
    let note = "mutation($a: ID!) { activityCreate(input: { kind: NOTE, subject: \"Visit\", body: \"The staircase is too narrow for the Bösendorfer; a crane is needed on Tuesday.\", aboutId: $a }) { activity { id } userErrors { message } } }";
    let note = person.data(note, json!({ "a": about })).await;
    assert_ne!(note["activityCreate"]["activity"], Json::Null, "{made} {note}");
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_found_by_what_one_remembers_of_it() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    fill(&manager).await;
    let contact = named("Contact", "Annegret Quastenflosser");
    let (company, deal) =
        (named("Company", "Zephyr Umzüge"), named("Deal", "Zephyr: relocation of 40 pianos"));
    for (typed, first) in [
        // Names, from their beginning or their middle, in any case.
        ("zephyr umzüge", &company),
        ("ZEPH", &company),
        ("UMZÜ", &company),
        ("relocation of 40", &deal),
        // Both names in any order, and beginnings of words.
        ("Quastenflosser Annegret", &contact),
        ("anne quast", &contact),
        // What stands elsewhere.
        ("piano transport", &contact),
        ("a.quastenflosser@zephyr-moves.example", &contact),
        ("köln", &company),
        ("harbour tours", &named("Lead", "Wilhelmina Vanderbilt")),
        ("crane tuesday", &named("Activity", "Visit")),
        ("bösend", &named("Activity", "Visit")),
        // Numbers in any notation.
        ("+49 30 40050060", &contact),
        ("0049-30-400 500 60", &contact),
        ("40050060", &contact),
        ("0221/5557788", &company),
        // Nearly right.
        ("Quastenfloser", &contact),
        ("Wilhelmena Vanderbild", &named("Lead", "Wilhelmina Vanderbilt")),
    ] {
        let found = found(&manager, typed).await;
        assert_eq!(found.first(), Some(first), "{typed}: {found:?}");
    }
    for nothing in ["", "   ", "qqqqqqqq", "%", "_", "\\", "'", "0", "))((", "& | !", "\u{0}"] {
        assert_eq!(found(&manager, nothing).await, [], "{nothing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_come_first_and_say_why() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    fill(&manager).await;
    for name in ["Pianos", "Pianos and Sons", "Grand Pianos", "Fortepianos"] {
        let make =
            "mutation($n: String!) { companyCreate(input: { name: $n }) { company { id } } }";
        manager.data(make, json!({ "n": name })).await;
    }
    let answer = manager.data(SEARCH, json!({ "q": "pianos", "n": 100 })).await;
    let hits = answer["search"].as_array().unwrap();
    let names: Vec<&str> = hits.iter().map(|hit| hit["result"]["name"].as_str().unwrap()).collect();
    let expected = [
        "Pianos",
        "Pianos and Sons",
        "Grand Pianos",
        "Zephyr: relocation of 40 pianos",
        "Fortepianos",
    ];
    assert_eq!(names[..2], expected[..2]);
    // Of equal ones the shorter.
    assert_eq!(names[2..4], ["Grand Pianos", "Zephyr: relocation of 40 pianos"]);
    assert_eq!(names[4..], expected[4..]);
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(
        scores.is_sorted_by(|a, b| a >= b)
            && scores.iter().all(|score| (0.0..=1.0).contains(score))
    );
    assert_eq!(hits[3]["snippet"], "Zephyr: relocation of 40 **pianos**");
    let crane = manager.data(SEARCH, json!({ "q": "crane" })).await["search"][0]["snippet"].clone();
    assert!(crane.as_str().unwrap().contains("a **crane** is needed"), "{crane}");
    let one = manager.data(SEARCH, json!({ "q": "pianos", "n": 1 })).await;
    assert_eq!(one["search"].as_array().unwrap().len(), 1);
    let only = manager.data(SEARCH, json!({ "q": "pianos", "t": ["Deal"] })).await;
    assert_eq!(only["search"][0]["result"]["__typename"], "Deal");
    assert_eq!(only["search"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_what_they_could_not_list() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let made = fill(&manager).await;
    let elsewhere = app.sign_in("manager@globex.test").await;
    let rep = app.sign_in("rep@acme.test").await;
    let viewer = app.sign_in("viewer@acme.test").await;
    for typed in ["zephyr", "annegret", "40050060", "crane", "vanderbilt", "Quastenfloser"] {
        assert_ne!(found(&manager, typed).await, [], "{typed}");
        assert_eq!(found(&elsewhere, typed).await, [], "another tenant: {typed}");
        assert_eq!(found(&rep, typed).await, [], "another's: {typed}");
        assert_eq!(found(&viewer, typed).await, found(&manager, typed).await, "{typed}");
    }
    let give = "mutation($id: ID!, $o: ID!) { companyUpdate(id: $id, input: { ownerId: $o }) { userErrors { message } } }";
    let company = &made["companyCreate"]["company"]["id"];
    let owner = rep.data("{ viewer { user { id } } }", Json::Null).await;
    let owner = &owner["viewer"]["user"]["id"];
    manager.data(give, json!({ "id": company, "o": owner })).await;
    assert_eq!(found(&rep, "zephyr").await, [named("Company", "Zephyr Umzüge")]);
    let delete = "mutation($id: ID!) { companyDelete(id: $id) { userErrors { message } } }";
    manager.data(delete, json!({ "id": company })).await;
    assert_eq!(found(&rep, "zephyr").await, [], "the bin is not searched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_one_may_not_read_is_not_there_and_refused_when_named() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    fill(&app.sign_in("manager@acme.test").await).await;
    let make = "mutation { apiClientCreate(input: { name: \"Search\", scopes: [\"company:read\"], mode: OPEN }) { secret } }";
    let secret = admin.data(make, Json::Null).await["apiClientCreate"]["secret"].clone();
    let program = app.bearer(secret.as_str().unwrap()).await.unwrap();
    assert_eq!(found(&program, "zephyr").await, [named("Company", "Zephyr Umzüge")]);
    for (variables, code) in [
        (json!({ "q": "zephyr", "t": ["Company", "Deal"] }), "FORBIDDEN"),
        (json!({ "q": "zephyr", "t": ["company"] }), "BAD_USER_INPUT"),
        (json!({ "q": "x".repeat(201) }), "BAD_USER_INPUT"),
        (json!({ "q": "zephyr", "n": 101 }), "BAD_USER_INPUT"),
        (json!({ "q": "zephyr", "n": -1 }), "BAD_USER_INPUT"),
    ] {
        let refused = program.run(SEARCH, variables.clone()).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], code, "{variables}");
    }
}

/// Each way to find something is asked of an index, however the rows are guarded.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_reads_indexes() {
    let app = TestApp::new().await;
    // With nothing else to choose from.
    let others = "SELECT 'DROP INDEX kontor.' || indexname FROM pg_indexes WHERE tablename = ANY('{companies,contacts,leads,deals,activities}') AND indexname !~ '(_search|_words|_by_phone_end)$'";
    let keys = "SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT IF EXISTS ' || conname || ' CASCADE' FROM pg_constraint WHERE contype IN ('p', 'u', 'f') AND conrelid::regclass::text = ANY('{kontor.companies,kontor.contacts,kontor.leads,kontor.deals,kontor.activities}')";
    for drop in [keys, others] {
        for drop in app.sql(drop).await {
            app.sql(&drop).await;
        }
    }
    let tables = ["companies", "contacts", "leads", "deals", "activities"];
    for table in tables {
        let body = app
            .sql(&format!("SELECT prosrc FROM pg_proc WHERE proname = 'found_in_{table}'"))
            .await
            .join("\n");
        let body = body.split("RETURN QUERY").nth(1).unwrap().split("END").next().unwrap();
        let asked = body
            .trim_end()
            .trim_end_matches(';')
            // Of so few rows it would look at all of the tenant's.
            .replace("t.tenant_id = tenant AND", "")
            .replace("LIKE pattern", "LIKE '%amber%'")
            .replace("@@ asked_words", "@@ kontor.asked_words('amber')")
            .replace("alike OPERATOR", "'amber' OPERATOR")
            .replace("reverse(number)", "'7654321'");
        let explain = format!("SET enable_seqscan = off; EXPLAIN {asked}");
        let conditions = async || {
            let plan = app.sql(&explain).await.into_iter();
            plan.filter(|line| line.contains("Index Cond")).collect::<Vec<_>>().join("\n")
        };
        let phones = !matches!(table, "deals" | "activities");
        assert_eq!(conditions().await.contains("~>=~"), phones, "{table}");
        app.sql(&format!("DROP INDEX IF EXISTS kontor.{table}_by_phone_end")).await;
        let conditions = conditions().await;
        for operator in ["~~", "@@", "%>"] {
            assert!(conditions.contains(operator), "{table} {operator}\n{conditions}");
        }
    }
}
