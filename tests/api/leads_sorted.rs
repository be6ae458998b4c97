//! Leads by what they are worth: sorted, filtered and counted by the score as it was computed last.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    leads::made,
    support::{Person, TestApp},
};

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String, $order: [LeadOrder!]) {
    leads(first: $first, after: $after, last: $last, before: $before, orderBy: $order) {
        nodes { id name score version updatedAt } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

/// What makes the leads of a test worth something.
async fn rules(manager: &Person<'_>) {
    for (name, value, points) in [("Fair", "fair", 50), ("Web", "web", 25), ("Call", "call", 10)] {
        let query = "mutation($n: String!, $v: String!, $p: Int!) { scoreRuleCreate(input: { name: $n, field: SOURCE, value: $v, points: $p }) { userErrors { code } } }";
        manager.data(query, json!({ "n": name, "v": value, "p": points })).await;
    }
    let large = "mutation { scoreRuleCreate(input: { name: \"Large\", field: EMPLOYEES, operator: AT_LEAST, value: \"100\", points: 30 }) { userErrors { code } } }";
    manager.data(large, Json::Null).await;
}

/// Leads of 80, 50, 25, 50, 10, 0, 25 and 50 points, in this order of their ids.
async fn fill(app: &TestApp, person: &Person<'_>) {
    for (at, (source, employees)) in [
        ("fair", 500),
        ("fair", 5),
        ("web", 5),
        ("fair", 6),
        ("call", 5),
        ("other", 5),
        ("web", 6),
        ("fair", 7),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("Lead {at}");
        made(person, json!({ "name": name, "source": source, "employees": employees })).await;
        app.clock.advance(Duration::from_millis(5));
    }
}

/// One that nobody has scored; no trigger has seen it either.
async fn unscored(app: &TestApp, owner: &Person<'_>) {
    let insert = format!(
        "SET session_replication_role = replica; INSERT INTO kontor.leads (tenant_id, id, name, status, owner_id, reopened, version, created_at, updated_at) \
         VALUES ('{}', '01890000-0000-7000-8000-000000000000', 'Unscored', 'NEW', '{}', 0, 1, now(), now())",
        owner.tenant().0,
        owner.user().0
    );
    app.sql(&insert).await;
}

/// The names of all leads in an order, in pages of three: forwards, and backwards.
async fn walked(person: &Person<'_>, direction: &str) -> [Vec<String>; 2] {
    let order = json!([{ "field": "SCORE", "direction": direction }]);
    let mut both = [Vec::new(), Vec::new()];
    for (backwards, all) in both.iter_mut().enumerate() {
        let mut cursor = Json::Null;
        loop {
            let page = match backwards {
                0 => json!({ "first": 3, "after": cursor, "order": order }),
                _ => json!({ "last": 3, "before": cursor, "order": order }),
            };
            let page = person.data(PAGE, page).await["leads"].clone();
            let names = page["nodes"].as_array().unwrap().iter();
            let names: Vec<_> =
                names.map(|node| node["name"].as_str().unwrap()[5..].to_owned()).collect();
            let more = match backwards {
                0 => {
                    all.extend(names);
                    cursor = page["pageInfo"]["endCursor"].clone();
                    &page["pageInfo"]["hasNextPage"]
                }
                _ => {
                    all.splice(0..0, names);
                    cursor = page["pageInfo"]["startCursor"].clone();
                    &page["pageInfo"]["hasPreviousPage"]
                }
            };
            if *more == false {
                break;
            }
        }
    }
    both
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_sorted_by_score_across_pages_both_ways() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    rules(&manager).await;
    fill(&app, &rep).await;
    // Those of one score stand in the order of their ids, and the other way about.
    let best = ["0", "7", "3", "1", "6", "2", "4", "5"];
    let worst: Vec<&str> = best.into_iter().rev().collect();
    for (direction, expected) in [("DESC", &best[..]), ("ASC", &worst[..])] {
        let [forwards, backwards] = walked(&rep, direction).await;
        assert_eq!(forwards, expected, "{direction}");
        assert_eq!(backwards, expected, "{direction}, backwards");
    }
    // What was not scored yet is worth nothing, and its id is the first of all.
    unscored(&app, &rep).await;
    let [forwards, _] = walked(&rep, "DESC").await;
    assert_eq!(forwards[6..], ["4", "5", "red"].map(str::to_owned));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_score_sorts_anew_and_is_no_change_of_the_lead() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    rules(&manager).await;
    fill(&app, &rep).await;
    let page = json!({ "first": 100, "order": [{ "field": "NAME" }] });
    let before = rep.data(PAGE, page.clone()).await;
    let told = "SELECT count(*) FROM kontor.audit_log WHERE table_name = 'leads'";
    let trail = app.sql(told).await;
    let position = "SELECT max(position) FROM kontor.outbox WHERE table_name = 'leads'";
    let position_before = app.sql(position).await;
    let rule = "mutation { scoreRuleCreate(input: { name: \"Few\", field: EMPLOYEES, operator: AT_MOST, value: \"5\", points: 40 }) { userErrors { code } } }";
    manager.data(rule, Json::Null).await;
    while app.worker().round().await.unwrap() > 0 {}
    let rep = app.sign_in("rep@acme.test").await;
    // Those with five people have 40 more: 1 has 90, 2 has 65, 4 has 50 and 5 has 40.
    let [forwards, backwards] = walked(&rep, "DESC").await;
    assert_eq!(forwards, ["1", "0", "2", "7", "4", "3", "5", "6"]);
    assert_eq!(backwards, forwards);
    let after = rep.data(PAGE, page).await;
    for (one, other) in before["leads"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .zip(after["leads"]["nodes"].as_array().unwrap())
    {
        for field in ["id", "version", "updatedAt"] {
            assert_eq!(one[field], other[field]);
        }
    }
    assert_eq!((app.sql(told).await, app.sql(position).await), (trail, position_before));
    // What somebody changes is told, and counted, as ever.
    let id = &after["leads"]["nodes"][0]["id"];
    let change = "mutation($id: ID!) { leadUpdate(id: $id, input: { city: \"Oslo\", employees: 1 }) { lead { version score } } }";
    let changed = rep.data(change, json!({ "id": id })).await;
    assert_eq!(changed["leadUpdate"]["lead"], json!({ "version": 2, "score": 90 }));
    let told = "SELECT string_agg(k, ' ' ORDER BY k) FROM kontor.audit_log, jsonb_object_keys(new) k WHERE table_name = 'leads' AND action = 'UPDATED'";
    assert_eq!(app.sql(told).await, ["city employees updated_at version"]);
}

/// How many leads of each grade whoever asks finds: by the facet, and by the filter.
async fn grades(person: &Person<'_>) -> [BTreeMap<String, i64>; 2] {
    let facet = "{ leads(first: 1) { facets(by: [GRADE]) { field values { value count } } } }";
    let facet = person.data(facet, Json::Null).await["leads"]["facets"][0].clone();
    assert_eq!(facet["field"], "GRADE");
    let values = facet["values"].as_array().unwrap().iter();
    let value = |value: &Json| {
        (value["value"].as_str().unwrap().to_owned(), value["count"].as_i64().unwrap())
    };
    let counted = values.map(value).collect();
    let mut filtered = BTreeMap::new();
    for grade in ["A", "B", "C", "D"] {
        let query = "query($g: String!) { leads(where: { grade: { eq: $g } }) { totalCount { value } nodes { grade } } }";
        let found = person.data(query, json!({ "g": grade })).await["leads"].clone();
        let shown = found["nodes"].as_array().unwrap();
        assert!(shown.iter().all(|lead| lead["grade"] == grade), "{found}");
        filtered.insert(grade.to_owned(), found["totalCount"]["value"].as_i64().unwrap());
    }
    filtered.retain(|_, count| *count > 0);
    [counted, filtered]
}

#[tokio::test(flavor = "multi_thread")]
async fn grades_are_counted_as_they_are_filtered_and_seen() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    let rep2 = app.sign_in("rep2@acme.test").await;
    rules(&manager).await;
    fill(&app, &rep).await;
    unscored(&app, &rep).await;
    made(&rep2, json!({ "name": "Theirs", "source": "fair" })).await;
    let of = |counts: [i64; 4]| {
        let counts = ["A", "B", "C", "D"].map(str::to_owned).into_iter().zip(counts);
        counts.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>()
    };
    for (person, expected) in
        [(&rep, [1, 3, 2, 3]), (&rep2, [0, 1, 0, 0]), (&manager, [1, 4, 2, 3])]
    {
        let [counted, filtered] = grades(person).await;
        assert_eq!((&counted, &filtered), (&of(expected), &of(expected)));
    }
    let scores = "{ leads(where: { score: { gte: 25, lt: 80 } }) { totalCount { value } } }";
    let found = rep.data(scores, Json::Null).await;
    assert_eq!(found["leads"]["totalCount"]["value"], 5);
    // The database says of every score what the code says (`scoring::grade`).
    let told = "SELECT string_agg(kontor.grade(score), '' ORDER BY score) FROM generate_series(0, 100) AS score";
    let expected = ["D".repeat(25), "C".repeat(25), "B".repeat(25), "A".repeat(26)].concat();
    assert_eq!(app.sql(told).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_that_get_less_are_computed_anew_each_day() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let fair = json!({ "n": "Fair", "v": "fair", "p": 40 });
    let rule = "mutation($n: String!, $v: String!, $p: Int!) { scoreRuleCreate(input: { name: $n, field: SOURCE, value: $v, points: $p, halfLifeDays: 1 }) { userErrors { code } } }";
    manager.data(rule, fair).await;
    let worker = app.worker();
    // What a schedule wants done is done in the next round.
    let work = async || {
        for _ in 0..3 {
            worker.round().await.unwrap();
        }
    };
    work().await;
    made(&manager, json!({ "name": "Ageing", "source": "fair" })).await;
    let lead =
        "{ leads(where: { name: { eq: \"Ageing\" }, score: { gte: 30 } }) { nodes { score } } }";
    let found = async || {
        let manager = app.sign_in("manager@acme.test").await;
        manager.data(lead, Json::Null).await["leads"]["nodes"].clone()
    };
    assert_eq!(found().await, json!([{ "score": 40 }]));
    app.clock.advance(Duration::from_hours(23));
    work().await;
    assert_eq!(found().await.as_array().unwrap().len(), 1, "it is as it was computed last");
    app.clock.advance(Duration::from_hours(2));
    work().await;
    assert_eq!(found().await, json!([]));
}
