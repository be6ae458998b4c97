//! The log of changes, followed and pulled: in order, without gap or repeat, and each reader's own.

use std::time::{Duration, Instant};

use kontor::{
    access::BuiltInRole,
    db::Db,
    graphql::{Following, Next},
};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use crate::{
    faults::{hold_companies, let_go},
    support::{Person, TestApp},
};

const MAKE: &str = "mutation($name: String!) { companyCreate(input: { name: $name }) { company { id version } userErrors { code } } }";
const FOLLOW: &str = "subscription($after: String, $first: Int) { changes(after: $after, first: $first, types: [\"Company\"]) { cursor type action recordId node { ... on Company { id name annualRevenue { amount } } } } }";
const PULL: &str = "query($after: String, $first: Int) { changes(after: $after, first: $first, types: [\"Company\"]) { nodes { cursor action recordId } pageInfo { hasNextPage endCursor } } }";

async fn make(person: &Person<'_>, name: &str) -> String {
    let made = person.data(MAKE, json!({ "name": name })).await;
    made["companyCreate"]["company"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

async fn next(following: &mut Following) -> Json {
    let next = tokio::time::timeout(Duration::from_secs(10), following.next()).await;
    match next.expect("nothing happened") {
        Next::Answer(answer) => serde_json::from_slice(&answer.body).unwrap(),
        Next::Done => json!("done"),
        Next::SignedOut => json!("signed out"),
    }
}

async fn change(following: &mut Following) -> Json {
    let answer = next(following).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["changes"].clone()
}

/// Nothing has come for it.
async fn is_quiet(following: &mut Following) {
    let silence = tokio::time::timeout(Duration::from_millis(200), following.next()).await;
    assert!(silence.is_err(), "something came");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_told_in_its_order() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let mut following = rep.follow(FOLLOW, json!({ "first": 3 })).await;
    let (first, second) = (make(&rep, "First").await, make(&rep, "Second").await);
    let told = change(&mut following).await;
    assert_eq!(
        (&told["type"], &told["action"], &told["recordId"], &told["node"]["name"]),
        (&json!("Company"), &json!("CREATED"), &json!(first), &json!("First"))
    );
    assert_eq!(change(&mut following).await["recordId"], json!(second));
    let gone = "mutation($id: ID!) { companyDelete(id: $id) { deletedId } }";
    rep.data(gone, json!({ "id": first })).await;
    let told = change(&mut following).await;
    assert_eq!((&told["action"], &told["recordId"]), (&json!("DELETED"), &json!(first)));
    assert_eq!(told["node"], Json::Null);
    assert_eq!(next(&mut following).await, "done", "it wanted three");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_a_refusal_are_no_changes() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let mut following = rep.follow(FOLLOW, Json::Null).await;
    make(&rep.dry_run(), "Never").await;
    rep.data(MAKE, json!({ "name": "" })).await;
    is_quiet(&mut following).await;
    make(&rep, "Now").await;
    assert_eq!(change(&mut following).await["node"]["name"], "Now");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_misses_nothing_and_gets_nothing_twice() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let mut made = Vec::new();
    let mut following = rep.follow(FOLLOW, Json::Null).await;
    for n in 0..5 {
        made.push(make(&rep, &format!("Company {n}")).await);
    }
    let mut told = vec![change(&mut following).await, change(&mut following).await];
    // It goes away in the middle, and more happens meanwhile.
    drop(following);
    let at_once = (5..10).map(async |n| make(&rep, &format!("Company {n}")).await);
    made.extend(futures_util::future::join_all(at_once).await);
    let after = told[1]["cursor"].clone();
    let mut following = rep.follow(FOLLOW, json!({ "after": after })).await;
    for _ in 0..8 {
        told.push(change(&mut following).await);
    }
    is_quiet(&mut following).await;
    let mut ids: Vec<_> = told.iter().map(|told| told["recordId"].clone()).collect();
    assert_eq!(ids[..5], made[..5], "in the order of the commits");
    ids.sort_by_key(Json::to_string);
    made.sort();
    assert_eq!(json!(ids), json!(made));
    // The same by pulling, page by page, with the same cursors.
    let (mut pulled, mut after) = (Vec::new(), told[1]["cursor"].clone());
    loop {
        let page = rep.data(PULL, json!({ "after": after, "first": 3 })).await["changes"].clone();
        pulled.extend(page["nodes"].as_array().unwrap().clone());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let cursors = |list: &[Json]| list.iter().map(|one| one["cursor"].clone()).collect::<Vec<_>>();
    assert_eq!(cursors(&pulled), cursors(&told[2..]));
    let nothing = rep.data(PULL, json!({ "after": after })).await;
    assert_eq!(nothing["changes"]["nodes"], json!([]));
    assert_eq!(nothing["changes"]["pageInfo"]["endCursor"], after);
}

/// Everything of a long log is reached in pages, also where nothing of a page may be seen.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_may_not_see_is_passed_over() {
    let app = TestApp::new().await;
    let (owner, field) =
        (app.sign_in("owner@acme.test").await, app.sign_in("field@acme.test").await);
    for n in 0..3 {
        make(&owner, &format!("Unseen {n}")).await;
    }
    let all = "query { changes(first: 100) { nodes { type recordId } pageInfo { hasNextPage endCursor } } }";
    let seen = field.data(all, Json::Null).await["changes"].clone();
    let kinds: Vec<_> = seen["nodes"].as_array().unwrap().iter().map(|n| &n["type"]).collect();
    assert!(kinds.iter().all(|kind| **kind != "Company"), "{seen}");
    let owners = owner.data(all, Json::Null).await["changes"].clone();
    assert_eq!(seen["pageInfo"], owners["pageInfo"], "both looked as far");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reader_is_told_what_they_may_see() {
    let app = TestApp::new().await;
    let people = ["owner@acme.test", "rep@acme.test", "rep2@acme.test", "owner@globex.test"];
    let mut readers = Vec::new();
    for email in people {
        readers.push(app.sign_in(email).await);
    }
    let mut following = Vec::new();
    for reader in &readers {
        following.push(reader.follow(FOLLOW, Json::Null).await);
    }
    let [owner, rep, rep2, elsewhere] = following.as_mut_slice() else { panic!() };
    let company = make(&readers[1], "The rep's").await;
    assert_eq!(change(owner).await["recordId"], json!(company));
    assert_eq!(change(rep).await["recordId"], json!(company));
    is_quiet(rep2).await;
    is_quiet(elsewhere).await;
    // It is given away: whoever had it hears that, and sees it no more.
    let give = "mutation($id: ID!, $to: ID!) { companyUpdate(id: $id, input: { ownerId: $to }) { userErrors { code } } }";
    let to = readers[2].user().to_string();
    readers[0].data(give, json!({ "id": company, "to": to })).await;
    for (follower, sees) in [(&mut *rep, false), (&mut *rep2, true)] {
        let told = change(follower).await;
        assert_eq!((&told["action"], &told["recordId"]), (&json!("UPDATED"), &json!(company)));
        assert_eq!(told["node"].is_object(), sees, "{told}");
    }
    let gone = "mutation($id: ID!) { companyDelete(id: $id) { deletedId } }";
    readers[0].data(gone, json!({ "id": company })).await;
    assert_eq!(change(rep2).await["action"], "DELETED");
    is_quiet(rep).await;
    is_quiet(elsewhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_rights_is_felt_by_who_follows() {
    let app = TestApp::new().await;
    let (owner, admin) =
        (app.sign_in("owner@acme.test").await, app.sign_in("admin@acme.test").await);
    let mut following = admin.follow(FOLLOW, Json::Null).await;
    let (id, role) = (admin.user().to_string(), BuiltInRole::Operations.id().to_string());
    let become_one = "mutation($id: ID!, $roles: [ID!]!) { userRolesReplace(id: $id, roleIds: $roles) { userErrors { code } } }";
    owner.data(become_one, json!({ "id": id, "roles": [role] })).await;
    let input = "mutation { companyCreate(input: { name: \"Rich\", annualRevenue: { amount: \"5\", currency: \"EUR\" } }) { userErrors { code } } }";
    owner.data(input, Json::Null).await;
    let answer = next(&mut following).await;
    assert_eq!(answer["data"]["changes"]["node"]["name"], "Rich", "{answer}");
    assert_eq!(answer["data"]["changes"]["node"]["annualRevenue"], Json::Null);
    assert!(answer["extensions"]["masked"].is_array(), "{answer}");
    let leave = "mutation($id: ID!) { userDeactivate(id: $id) { userErrors { code } } }";
    owner.data(leave, json!({ "id": id })).await;
    make(&owner, "Unheard").await;
    assert_eq!(next(&mut following).await, "signed out");
}

/// It is told when that is possible, and not without its record.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_in_the_middle_of_a_change_spoils_nothing() {
    let app = TestApp::new().await;
    let owner = app.sign_in("owner@acme.test").await;
    let mut following = owner.follow(FOLLOW, json!({ "first": 1 })).await;
    let company = make(&owner, "Whole").await;
    let hold = hold_companies(&app).await;
    let waits = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let trouble = async {
        while app.sql(waits).await != ["t"] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let_go(&app, hold).await;
    };
    let (told, ()) = tokio::join!(change(&mut following), trouble);
    assert_eq!((&told["recordId"], &told["node"]["name"]), (&json!(company), &json!("Whole")));
    assert_eq!(next(&mut following).await, "done", "it was told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_good_for_its_own_log_as_long_as_that_is_kept() {
    let app = TestApp::new().await;
    let (rep, elsewhere) =
        (app.sign_in("owner@acme.test").await, app.sign_in("owner@globex.test").await);
    let page = rep.data(PULL, json!({ "first": 2 })).await["changes"].clone();
    let cursor = page["nodes"][0]["cursor"].clone();
    let code = async |person: &Person<'_>, after: &Json| {
        person.run(PULL, json!({ "after": after })).await["errors"][0]["extensions"]["code"].clone()
    };
    assert_eq!(code(&elsewhere, &cursor).await, "INVALID_CURSOR");
    for wrong in ["1", "nonsense", ""] {
        assert_eq!(code(&rep, &json!(wrong)).await, "INVALID_CURSOR", "{wrong}");
    }
    assert_eq!(code(&rep, &cursor).await, Json::Null);
    let tenant = rep.tenant().0;
    app.sql(&format!(
        "DELETE FROM kontor.outbox WHERE tenant_id = '{tenant}' AND position < \
         (SELECT max(position) FROM kontor.outbox WHERE tenant_id = '{tenant}')"
    ))
    .await;
    assert_eq!(code(&rep, &cursor).await, "INVALID_CURSOR", "what followed it is gone");
    assert_eq!(code(&rep, &json!("0")).await, Json::Null, "from what is kept one can begin");
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_make_no_sense_are_refused() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    for arguments in ["types: [\"Nothing\"]", "types: []", "first: 0", "first: -1"] {
        for root in ["query", "subscription"] {
            let fields = if root == "query" { "pageInfo { endCursor }" } else { "cursor" };
            let query = format!("{root} {{ changes({arguments}) {{ {fields} }} }}");
            let code = rep.run(&query, Json::Null).await["errors"][0]["extensions"]["code"].clone();
            assert_eq!(code, "BAD_USER_INPUT", "{root} {arguments}");
        }
    }
}

/// Commits of one process wake those who follow in another, before the logs are asked anyway.
#[tokio::test(flavor = "multi_thread")]
async fn another_servers_commits_are_heard_at_once() {
    let app = TestApp::new().await;
    let here = app.api.db().clone();
    let there = Db::new(&app.settings).unwrap();
    let (stop, stops) = watch::channel(false);
    let runs: Vec<_> = [here, there.clone()]
        .map(|db| {
            let (commits, settings) = (db.commits().clone(), app.settings.clone());
            tokio::spawn(commits.run(db, settings, stops.clone()))
        })
        .into();
    let rep = app.sign_in("rep@acme.test").await;
    let mut heard = there.commits().follow(rep.tenant());
    // The logs are asked every two seconds anyway: five in a row, each within less, were told. A
    // slow machine may try again.
    let (began, mut in_a_row) = (Instant::now(), 0);
    while in_a_row < 5 {
        assert!(began.elapsed() < Duration::from_mins(1), "nobody told");
        heard.borrow_and_update();
        make(&rep, "Told").await;
        let heard = tokio::time::timeout(Duration::from_millis(500), heard.changed()).await;
        in_a_row = if heard.is_ok() { in_a_row + 1 } else { 0 };
    }
    stop.send(true).unwrap();
    for run in runs {
        run.await.unwrap();
    }
}
