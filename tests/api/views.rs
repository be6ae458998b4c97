//! Saved views: kept filters, checked when they are saved, run with the rights of whoever reads.

use kontor::access::{Permission, Viewer};
use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const CREATE: &str = "mutation($i: SavedViewCreateInput!) { savedViewCreate(input: $i) {
    savedView { id name kind where orderBy { field direction } columns visibility owner { email } version }
    userErrors { code field message } } }";
const UPDATE: &str = "mutation($id: ID!, $v: Int, $i: SavedViewUpdateInput!) { savedViewUpdate(id: $id, expectedVersion: $v, input: $i) {
    savedView { name where visibility version } userErrors { code field } } }";
const DELETE: &str =
    "mutation($id: ID!) { savedViewDelete(id: $id) { deletedId userErrors { code field } } }";
const RUN: &str = "query($v: ID, $w: CompanyWhere) { companies(view: $v, where: $w) { nodes { name } totalCount { value } facets(by: [COUNTRY]) { values { value count } } } }";

async fn create(person: &Person<'_>, input: Json) -> Json {
    person.data(CREATE, json!({ "i": input })).await["savedViewCreate"].clone()
}

/// A view of companies; its id.
async fn saved(person: &Person<'_>, name: &str, visibility: &str, which: Json) -> Json {
    let input =
        json!({ "name": name, "kind": "COMPANY", "where": which, "visibility": visibility });
    let made = create(person, input).await;
    assert_eq!(made["userErrors"], json!([]), "{made}");
    made["savedView"]["id"].clone()
}

async fn names(person: &Person<'_>, view: &Json, which: Json) -> Vec<String> {
    let seen = person.data(RUN, json!({ "v": view, "w": which })).await;
    let nodes = seen["companies"]["nodes"].as_array().unwrap();
    assert_eq!(seen["companies"]["totalCount"]["value"], nodes.len());
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

/// The code of a query that is refused.
fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_kept_run_changed_and_deleted() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let input = json!({
        "name": "German first", "kind": "COMPANY", "where": { "or": [{ "country": { "eq": "DE" } }, { "country": { "eq": "IE" } }] },
        "orderBy": [{ "field": "NAME", "direction": "DESC" }], "columns": ["name", "owner"]
    });
    let made = create(&manager, input).await;
    let view = &made["savedView"];
    assert_eq!(made["userErrors"], json!([]));
    assert_eq!(
        (&view["visibility"], &view["columns"], &view["version"], &view["owner"]["email"]),
        (&json!("PRIVATE"), &json!(["name", "owner"]), &json!(1), &json!("manager@acme.test"))
    );
    assert_eq!(view["orderBy"], json!([{ "field": "NAME", "direction": "DESC" }]));
    let id = &view["id"];
    let (all, german) =
        (names(&manager, &Json::Null, Json::Null).await, names(&manager, id, Json::Null).await);
    assert!(german.len() < all.len() && german.len() > 1, "{german:?} of {all:?}");
    let mut sorted = german.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(german, sorted, "in the view's order");
    let both = names(&manager, id, json!({ "country": { "eq": "IE" } })).await;
    assert!(!both.is_empty() && both.len() < german.len(), "what the view and the list say both");
    let other = "query($v: ID) { companies(view: $v, orderBy: [{ field: NAME }], first: 1) { nodes { name } pageInfo { endCursor } } }";
    let other = manager.data(other, json!({ "v": id })).await;
    assert_eq!(other["companies"]["nodes"][0]["name"], *german.last().unwrap());
    let changed = manager
        .data(UPDATE, json!({ "id": id, "v": 1, "i": { "where": { "country": { "eq": "IE" } } } }))
        .await;
    assert_eq!(changed["savedViewUpdate"]["savedView"]["version"], 2);
    assert_eq!(names(&manager, id, Json::Null).await, both);
    let late = manager.data(UPDATE, json!({ "id": id, "v": 1, "i": { "name": "x" } })).await;
    assert_eq!(refusal(&late["savedViewUpdate"]), ("STALE_VERSION", vec!["expectedVersion"]));
    let same = create(&manager, json!({ "name": "german FIRST", "kind": "COMPANY" })).await;
    assert_eq!(refusal(&same), ("DUPLICATE", vec!["name"]));
    let of_deals = create(&manager, json!({ "name": "German first", "kind": "DEAL" })).await;
    assert_eq!(of_deals["userErrors"], json!([]), "of another list it may be called so");
    let wrong = manager.run(RUN, json!({ "v": of_deals["savedView"]["id"] })).await;
    assert_eq!(code(&wrong), "BAD_USER_INPUT");
    assert_eq!(wrong["data"]["companies"], Json::Null);
    let gone = manager.data(DELETE, json!({ "id": id })).await;
    assert_eq!(gone["savedViewDelete"]["userErrors"], json!([]));
    assert_eq!(code(&manager.run(RUN, json!({ "v": id })).await), "NOT_FOUND");
}

/// Each list takes a view of its own.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_list_runs_its_views() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    for (kind, list, which) in [
        ("COMPANY", "companies", json!({ "ownerId": { "eq": rep.user().to_string() } })),
        ("CONTACT", "contacts", json!({ "name": { "contains": "x" } })),
        ("DEAL", "deals", json!({ "company": { "name": { "eq": "x" } } })),
        ("LEAD", "leads", json!({ "status": { "in": ["NEW", "WORKING"] } })),
        (
            "ACTIVITY",
            "activities",
            json!({ "done": false, "dueAt": { "lt": "2026-01-01T00:00:00Z" } }),
        ),
    ] {
        let made = create(
            &rep,
            json!({ "name": "Mine", "kind": kind, "where": which, "columns": ["id"] }),
        )
        .await;
        assert_eq!(made["userErrors"], json!([]), "{kind}: {made}");
        assert_eq!(made["savedView"]["where"], which);
        let run = format!("query($v: ID) {{ {list}(view: $v) {{ nodes {{ id }} }} }}");
        rep.data(&run, json!({ "v": made["savedView"]["id"] })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_list_would_not_take_is_refused_where_it_is_wrong() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let refused = async |kind: &str, which: Json, rest: Json| {
        let mut input = json!({ "name": "Bad", "kind": kind, "where": which });
        input.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let made = create(&manager, input).await;
        assert_eq!(made["savedView"], Json::Null, "{made}");
        let (code, path) = refusal(&made);
        format!("{code} {}", path.join("."))
    };
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let wide: Vec<Json> = (0..30).map(|_| json!({ "name": { "eq": "x" } })).collect();
    let deep = (0..40).fold(json!({}), |inner, _| json!({ "not": inner }));
    let nested = json!({ "contacts": { "some": { "company": { "contacts": { "some": { "company": { "name": { "eq": "x" } } } } } } } });
    for (which, told) in [
        (json!({ "nome": { "eq": "x" } }), "INVALID where.nome"),
        (json!({ "name": { "eq": "x", "like": "y" } }), "INVALID where.name.like"),
        (
            json!({ "and": [{ "city": { "eq": "x" } }, { "city": { "eq": 5 } }] }),
            "INVALID where.and.1.city.eq",
        ),
        (
            json!({ "ownerId": { "eq": "company_01h2xcejqtf2nbrexx3vqjhp41" } }),
            "INVALID where.ownerId.eq",
        ),
        (json!({ "not": { "ownerId": { "in": ["nonsense"] } } }), "INVALID where.not.ownerId.in.0"),
        (json!({ "createdAt": { "gt": "yesterday" } }), "INVALID where.createdAt.gt"),
        (json!({ "country": { "in": many } }), "INVALID where.country.in"),
        (json!({ "or": wide }), "INVALID where.or"),
        (json!(["name"]), "INVALID where"),
        (json!({ "name": { "eq": "x".repeat(17_000) } }), "TOO_LONG where"),
        (deep, "TOO_LONG where"),
    ] {
        let shown = which.to_string();
        assert_eq!(refused("COMPANY", which, json!({})).await, told, "{shown:.200}");
    }
    assert!(refused("COMPANY", nested, json!({})).await.starts_with("INVALID where.contacts"));
    let no = json!({});
    for (rest, told) in [
        (
            json!({ "orderBy": [{ "field": "NAME" }, { "field": "SHOE_SIZE" }] }),
            "INVALID orderBy.1",
        ),
        (json!({ "orderBy": [{ "field": "NAME" }, { "field": "NAME" }] }), "INVALID orderBy"),
        (json!({ "columns": ["name", "salary"] }), "INVALID columns.1"),
        (json!({ "columns": ["name", "name"] }), "DUPLICATE columns.1"),
        (json!({ "name": " " }), "REQUIRED name"),
    ] {
        assert_eq!(refused("COMPANY", no.clone(), rest).await, told);
    }
    assert_eq!(
        refused("LEAD", json!({ "status": { "eq": "OLD" } }), json!({})).await,
        "INVALID where.status.eq"
    );
    assert_eq!(app.sql("SELECT count(*) FROM kontor.saved_views").await, ["0"]);
}

/// Who sees a view: its owner; with TEAM the reporting line (rep and rep2 report to manager, manager to
/// admin, admin to owner); with PUBLIC everybody here.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_seen_by_those_it_is_shared_with() {
    let app = TestApp::new().await;
    let owner = app.sign_in("owner@acme.test").await;
    let without = |person: &Person<'_>, not: &[Permission]| {
        let grants = Permission::ALL.iter().copied().filter(|one| !not.contains(one)).collect();
        app.as_viewer(Viewer { grants, ..person.viewer() })
    };
    let everybody = ["owner", "admin", "manager", "rep", "rep2", "finance", "viewer"];
    let line = ["owner", "admin", "manager", "rep", "rep2"];
    for (visibility, of, seen_by) in [
        ("PRIVATE", "rep", &["rep"][..]),
        ("PRIVATE", "manager", &["manager"][..]),
        ("TEAM", "rep", &line),
        ("TEAM", "manager", &line),
        ("TEAM", "finance", &["owner", "admin", "finance"]),
        ("PUBLIC", "manager", &everybody),
    ] {
        let maker = app.sign_in(&format!("{of}@acme.test")).await;
        let view = saved(&maker, &format!("{visibility} {of}"), visibility, json!({})).await;
        for who in everybody {
            let person = app.sign_in(&format!("{who}@acme.test")).await;
            let sees = seen_by.contains(&who);
            let one = person
                .run("query($v: ID!) { savedView(id: $v) { id } }", json!({ "v": view }))
                .await;
            let node =
                person.run("query($v: ID!) { node(id: $v) { id } }", json!({ "v": view })).await;
            let run = person.run(RUN, json!({ "v": view })).await;
            let list = person
                .data("{ savedViews { nodes { id } totalCount { value } } }", Json::Null)
                .await;
            let listed = list["savedViews"]["nodes"].as_array().unwrap();
            assert_eq!(list["savedViews"]["totalCount"]["value"], listed.len());
            assert_eq!(
                listed.contains(&json!({ "id": view })),
                sees,
                "{visibility} of {of} by {who}"
            );
            for answer in [one, node, run] {
                match sees {
                    true => assert!(answer.get("errors").is_none(), "{answer}"),
                    false => {
                        assert_eq!(code(&answer), "NOT_FOUND", "{visibility} of {of} by {who}");
                    }
                }
            }
        }
        // The administrators see what is shared because they manage it: without that, by the line.
        if of == "finance" {
            let plain = without(&owner, &[Permission::ViewManage]);
            let seen = plain
                .run("query($v: ID!) { savedView(id: $v) { id } }", json!({ "v": view }))
                .await;
            assert_eq!(code(&seen), "NOT_FOUND");
        }
        let elsewhere = app.sign_in("owner@globex.test").await;
        assert_eq!(code(&elsewhere.run(RUN, json!({ "v": view })).await), "NOT_FOUND");
        maker.data(DELETE, json!({ "id": view })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_changed_by_its_owner_and_by_those_who_manage_what_is_shared() {
    let app = TestApp::new().await;
    let (rep, manager) =
        (app.sign_in("rep@acme.test").await, app.sign_in("manager@acme.test").await);
    let admin = app.sign_in("admin@acme.test").await;
    let (own, team) = (
        saved(&rep, "Own", "PRIVATE", json!({})).await,
        saved(&rep, "Team", "TEAM", json!({})).await,
    );
    let name = |id: &Json| json!({ "id": id, "i": { "name": "Renamed" } });
    let refused = manager.run(UPDATE, name(&team)).await;
    assert_eq!(code(&refused), "FORBIDDEN");
    assert_eq!(code(&manager.run(DELETE, json!({ "id": team })).await), "FORBIDDEN");
    for person in [&manager, &admin] {
        let unseen = person.data(UPDATE, name(&own)).await;
        assert_eq!(refusal(&unseen["savedViewUpdate"]), ("NOT_FOUND", vec!["id"]));
    }
    let public = json!({ "id": own, "i": { "visibility": "PUBLIC" } });
    let refused = rep.data(UPDATE, public).await;
    assert_eq!(refusal(&refused["savedViewUpdate"]), ("FORBIDDEN_FIELD", vec!["visibility"]));
    let refused =
        create(&rep, json!({ "name": "All", "kind": "DEAL", "visibility": "PUBLIC" })).await;
    assert_eq!(refusal(&refused), ("FORBIDDEN_FIELD", vec!["visibility"]));
    // Its owner leaves: it lives on, and is seen to.
    let leave = "mutation($id: ID!) { userDeactivate(id: $id) { userErrors { code } } }";
    admin.data(leave, json!({ "id": rep.user().to_string() })).await;
    let renamed = admin.data(UPDATE, name(&team)).await;
    assert_eq!(renamed["savedViewUpdate"]["savedView"]["name"], "Renamed");
    assert!(!names(&manager, &team, Json::Null).await.is_empty(), "it still runs");
    let trail = admin
        .data(
            "{ auditLog(where: { table: { eq: \"saved_views\" } }) { nodes { recordId action } } }",
            Json::Null,
        )
        .await;
    let trail = trail["auditLog"]["nodes"].as_array().unwrap();
    assert_eq!(trail[0], json!({ "recordId": team, "action": "UPDATED" }));
    assert!(
        trail.iter().all(|entry| entry["recordId"] == team),
        "not of what is private: {trail:?}"
    );
    assert_eq!(
        admin.data(DELETE, json!({ "id": team })).await["savedViewDelete"]["userErrors"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_runs_with_the_rights_of_whoever_reads() {
    let app = TestApp::new().await;
    let (rep, manager) =
        (app.sign_in("rep@acme.test").await, app.sign_in("manager@acme.test").await);
    let all = saved(&manager, "All", "PUBLIC", json!({})).await;
    let (mine, everything) =
        (names(&rep, &all, Json::Null).await, names(&manager, &all, Json::Null).await);
    assert!(mine.len() < everything.len(), "the rep sees what the rep sees");
    let rich = json!({ "or": [{ "city": { "eq": "x" } }, { "annualRevenue": { "gt": "1" } }] });
    let view = saved(&manager, "Rich", "PUBLIC", rich.clone()).await;
    let operations = app.sign_in("operations@acme.test").await;
    let refused = operations.run(RUN, json!({ "v": view })).await;
    assert_eq!((code(&refused), &refused["data"]["companies"]), ("FORBIDDEN", &Json::Null));
    let kept =
        create(&operations, json!({ "name": "Rich", "kind": "COMPANY", "where": rich })).await;
    assert_eq!(
        refusal(&kept),
        ("FORBIDDEN_FIELD", vec!["where", "or", "1", "annualRevenue", "gt"])
    );
}

/// A field is gone, or a word: the view must not find more than it did.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_does_not_fit_any_more_finds_nothing() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let view = saved(&manager, "Old", "PRIVATE", json!({ "country": { "eq": "DE" } })).await;
    for (column, now) in [
        ("conditions", r#"{"shoeSize": {"eq": 44}}"#),
        ("conditions", r#"{"country": {"equals": "DE"}}"#),
        ("conditions", r#"{"country": {"eq": 5}}"#),
        ("conditions", "[]"),
        ("sorting", r#"[{"field": "SHOE_SIZE"}]"#),
    ] {
        app.sql("UPDATE kontor.saved_views SET conditions = '{}', sorting = '[]'").await;
        app.sql(&format!("UPDATE kontor.saved_views SET {column} = '{now}'")).await;
        let answer = manager.run(RUN, json!({ "v": view })).await;
        assert_eq!((code(&answer), &answer["data"]["companies"]), ("BAD_USER_INPUT", &Json::Null));
        assert_eq!(answer["errors"][0]["extensions"]["reason"], "INVALID");
        assert_eq!(answer["errors"][0]["extensions"]["field"], json!(["view"]), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_keeps_two_hundred_views() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let insert = format!(
        "SET session_replication_role = replica; INSERT INTO kontor.saved_views (tenant_id, id, owner_id, name, kind, visibility, conditions, sorting, shown, version, created_at, updated_at) \
         SELECT '{}', gen_random_uuid(), '{}', 'Many ' || n, 'DEAL', 'PRIVATE', '{{}}', '[]', '{{}}', 1, now(), now() FROM generate_series(1, 199) n",
        rep.tenant().0,
        rep.user().0
    );
    app.sql(&insert).await;
    saved(&rep, "Last", "PRIVATE", json!({})).await;
    let more = create(&rep, json!({ "name": "More", "kind": "DEAL" })).await;
    assert_eq!(refusal(&more), ("LIMIT_REACHED", vec![]));
}
