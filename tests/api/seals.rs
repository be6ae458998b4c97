//! The trail is what was written down, or somebody hears of it.

use std::time::Duration;

use kontor::{
    audit::{Finding, Sealing, Verified, verify},
    db::WriteContext,
    tenants::TenantId,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::support::{
    TestApp,
    server::{Folder, Server, failure, run},
};

fn sealing(app: &TestApp) -> Sealing {
    let (db, clock) = (app.api.db().clone(), app.clock.clone());
    Sealing { db, clock, keys: app.api.keys().clone(), months: 12 }
}

async fn verified(app: &TestApp, tenant: TenantId) -> Verified {
    let ring = app.api.keys().ring(app.api.db(), &app.clock).await.unwrap();
    verify(app.api.db(), &ring, tenant, None).await.unwrap()
}

/// Some changes in acme, sealed in several batches, and one that waits.
async fn written(app: &TestApp) -> TenantId {
    let manager = app.sign_in("manager@acme.test").await;
    for n in 0..6 {
        let make = "mutation($n: String!) { tagCreate(input: { name: $n }) { tag { id } } }";
        manager.data(make, json!({ "n": format!("Tag {n}") })).await;
        if n < 5 {
            sealing(app).seal().await.unwrap();
        }
    }
    manager.tenant()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_sealed_in_its_order() {
    let app = TestApp::new().await;
    let tenant = written(&app).await;
    let found = verified(&app, tenant).await;
    assert_eq!(found.findings, []);
    assert_eq!((found.seals, found.unsealed), (5, 1));
    let all = format!("SELECT count(*) FROM kontor.audit_log WHERE tenant_id = '{}'", tenant.0);
    assert_eq!(app.sql(&all).await, [(found.entries + 1).to_string()], "the demo's too");
    // Two servers at once make one chain.
    let (a, b) = (sealing(&app), sealing(&app));
    let (a, b) = futures_util::join!(a.seal(), b.seal());
    assert!(a.is_ok() && b.is_ok());
    let found = verified(&app, tenant).await;
    assert_eq!((found.seals, found.unsealed, found.findings.len()), (6, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_touched_is_found() {
    let app = TestApp::new().await;
    let tenant = written(&app).await;
    let of = |n: u32| {
        format!(
            "(SELECT id FROM kontor.audit_log WHERE tenant_id = '{}' AND table_name = 'tags' AND new ->> 'name' = 'Tag {n}')",
            tenant.0
        )
    };
    let id = async |n: u32| app.sql(&format!("SELECT {}", of(n))).await[0].parse::<Uuid>().unwrap();
    let (second, third, last) = (id(1).await, id(2).await, id(5).await);
    let at = |number: i64| format!("WHERE tenant_id = '{}' AND number = {number}", tenant.0);
    let cases: Vec<(String, String, Vec<Finding>)> = vec![
        (
            format!(
                "UPDATE kontor.audit_log SET new = new || '{{\"name\": \"Other\"}}' WHERE id = '{second}'"
            ),
            format!(
                "UPDATE kontor.audit_log SET new = new || '{{\"name\": \"Tag 1\"}}' WHERE id = '{second}'"
            ),
            vec![Finding::Changed { entry: second, seal: 2 }],
        ),
        (
            format!("UPDATE kontor.audit_log SET actor_id = NULL WHERE id = '{second}'"),
            format!(
                "UPDATE kontor.audit_log a SET actor_id = o.actor_id FROM kontor.audit_log o WHERE a.id = '{second}' AND o.id = '{third}'"
            ),
            vec![Finding::Changed { entry: second, seal: 2 }],
        ),
        (
            format!(
                "CREATE TABLE public.kept AS SELECT * FROM kontor.audit_log WHERE id = '{third}'; DELETE FROM kontor.audit_log WHERE id = '{third}'"
            ),
            "INSERT INTO kontor.audit_log SELECT * FROM public.kept; DROP TABLE public.kept".into(),
            vec![Finding::Removed { entry: third, seal: 3 }],
        ),
        (
            format!(
                "CREATE TABLE public.kept AS SELECT * FROM kontor.audit_log WHERE id = '{last}'; DELETE FROM kontor.audit_log WHERE id = '{last}'"
            ),
            "INSERT INTO kontor.audit_log SELECT * FROM public.kept; DROP TABLE public.kept".into(),
            vec![Finding::RemovedUnsealed { entry: last }],
        ),
        (
            format!(
                "CREATE TABLE public.kept AS SELECT * FROM kontor.outbox WHERE audit_id = '{last}'; DELETE FROM kontor.outbox WHERE audit_id = '{last}'"
            ),
            "INSERT INTO kontor.outbox SELECT * FROM public.kept; DROP TABLE public.kept".into(),
            vec![Finding::LogGap { from: 0, to: 0 }, Finding::Inserted { entry: last }],
        ),
        (
            format!(
                "INSERT INTO kontor.audit_log SELECT tenant_id, at, '01a1fbb7-8aed-7b0c-82cd-a9b08dcfc435', write_id, ordinal, actor_id, request_id, table_name, record_id, action, old, new FROM kontor.audit_log WHERE id = '{second}'"
            ),
            "DELETE FROM kontor.audit_log WHERE id = '01a1fbb7-8aed-7b0c-82cd-a9b08dcfc435'".into(),
            vec![Finding::Inserted {
                entry: "01a1fbb7-8aed-7b0c-82cd-a9b08dcfc435".parse().unwrap(),
            }],
        ),
        (
            format!(
                "CREATE TABLE public.kept AS SELECT * FROM kontor.audit_seals {}; DELETE FROM kontor.audit_seals {}",
                at(3),
                at(3)
            ),
            "INSERT INTO kontor.audit_seals SELECT * FROM public.kept; DROP TABLE public.kept"
                .into(),
            vec![Finding::SealMissing { before: 4 }, Finding::Inserted { entry: third }],
        ),
        (
            format!("UPDATE kontor.audit_seals SET leaves = leaves || leaves {}", at(2)),
            format!(
                "UPDATE kontor.audit_seals SET leaves = substring(leaves FOR length(leaves) / 2) {}",
                at(2)
            ),
            vec![Finding::SealChanged { seal: 2 }],
        ),
        (
            format!("UPDATE kontor.audit_seals SET previous = seal {}", at(4)),
            format!(
                "UPDATE kontor.audit_seals s SET previous = o.seal FROM kontor.audit_seals o WHERE o.tenant_id = s.tenant_id AND o.number = 3 AND s.number = 4 AND s.tenant_id = '{}'",
                tenant.0
            ),
            vec![Finding::SealChanged { seal: 4 }, Finding::SealMissing { before: 4 }],
        ),
    ];
    for (touch, mend, expected) in cases {
        app.sql(&touch).await;
        let found = verified(&app, tenant).await.findings;
        let same = found.len() == expected.len()
            && found.iter().zip(&expected).all(|(found, expected)| match (found, expected) {
                (Finding::LogGap { from, to }, Finding::LogGap { .. }) => from == to,
                _ => found == expected,
            });
        assert!(same, "{touch}: {found:?}");
        app.sql(&mend).await;
        assert_eq!(verified(&app, tenant).await.findings, [], "{mend}");
    }
}

/// A seal that somebody else made says nothing of what may be gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_word_that_all_may_be_gone_is_not_believed() {
    let app = TestApp::new().await;
    let tenant = written(&app).await.0;
    let forged = |number: i64| {
        format!(
            "INSERT INTO kontor.audit_seals SELECT tenant_id, gen_random_uuid(), {number}, 'RETIRED', last_position + 1, last_position, '{{}}', '', now() + interval '1 year', key_id, seal, seal, now() FROM kontor.audit_seals WHERE tenant_id = '{tenant}' AND number = 5"
        )
    };
    let refused = crate::support::postgres::try_ask(&app.settings.owner_url, &forged(0)).await;
    assert!(refused.unwrap_err().contains("audit_seals_number"));
    app.sql(&forged(6)).await;
    app.sql(&format!("DELETE FROM kontor.audit_log WHERE tenant_id = '{tenant}' AND table_name = 'tags' AND new ->> 'name' = 'Tag 1'")).await;
    let found = verified(&app, TenantId(tenant)).await.findings;
    assert!(found.contains(&Finding::SealChanged { seal: 6 }), "{found:?}");
    assert!(found.iter().any(|one| matches!(one, Finding::Removed { seal: 2, .. })), "{found:?}");
}

/// Who takes the newest seals and all that they speak of away leaves a whole chain; the head that
/// was noted elsewhere tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_noted_head_guards_the_end_of_the_chain() {
    let app = TestApp::new().await;
    let tenant = written(&app).await;
    let head = verified(&app, tenant).await.head.unwrap();
    let ring = app.api.keys().ring(app.api.db(), &app.clock).await.unwrap();
    let again = async || verify(app.api.db(), &ring, tenant, Some(&head)).await.unwrap().findings;
    assert_eq!(again().await, []);
    let id = tenant.0;
    app.sql(&format!("DELETE FROM kontor.audit_log a USING kontor.audit_seals s WHERE s.tenant_id = '{id}' AND s.number = 5 AND a.id = ANY(s.entries)")).await;
    app.sql(&format!("DELETE FROM kontor.audit_log a USING kontor.outbox o, kontor.audit_seals s WHERE s.tenant_id = '{id}' AND s.number = 5 AND o.tenant_id = '{id}' AND o.position > s.last_position AND a.id = o.audit_id")).await;
    app.sql(&format!("DELETE FROM kontor.outbox o USING kontor.audit_seals s WHERE s.tenant_id = '{id}' AND s.number = 5 AND o.tenant_id = '{id}' AND o.position >= s.first_position")).await;
    app.sql(&format!("UPDATE kontor.counters c SET value = s.first_position - 1 FROM kontor.audit_seals s WHERE s.tenant_id = '{id}' AND s.number = 5 AND c.tenant_id = '{id}' AND c.name = 'log'")).await;
    app.sql(&format!("DELETE FROM kontor.audit_seals WHERE tenant_id = '{id}' AND number = 5"))
        .await;
    assert_eq!(verified(&app, tenant).await.findings, [], "nothing inside tells");
    assert_eq!(again().await, [Finding::HeadMissing]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_goes_and_the_chain_says_so() {
    let app = TestApp::new().await;
    let tenant = app.sign_in("owner@acme.test").await.tenant();
    // Two years ago, in a month of its own, and in one that nobody made.
    let then = app.clock.now().minus(Duration::from_hours(24 * 730)).0;
    let make =
        format!("SET ROLE kontor_owner; SELECT kontor.audit_months('{}', 1)", then.date_naive());
    app.sql(&make).await;
    for days in [730, 1000] {
        let at = app.clock.now().minus(Duration::from_hours(24 * days)).0;
        let write = Uuid::new_v7(uuid::Timestamp::from_unix(
            uuid::NoContext,
            at.timestamp().try_into().unwrap(),
            0,
        ));
        let context = WriteContext { write, actor: None, request: "old".into() };
        let tx = app.api.db().write(tenant, context).await.unwrap();
        let done = kontor::db::Done { table: "users", record: write, details: json!({}) };
        kontor::db::write_down(&tx, "READ", &[done]).await.unwrap();
        tx.commit().await.unwrap();
    }
    sealing(&app).seal().await.unwrap();
    written(&app).await;
    sealing(&app).seal().await.unwrap();
    let before = verified(&app, tenant).await;
    assert_eq!(before.findings, []);
    // Without a word in the chain it is a removal.
    app.sql("DELETE FROM kontor.audit_log WHERE at < now() - interval '900 days'").await;
    assert_eq!(verified(&app, tenant).await.findings.len(), 1);
    sealing(&app).retire().await.unwrap();
    let after = verified(&app, tenant).await;
    assert_eq!(after.findings, []);
    assert_eq!(after.entries, before.entries - 2);
    let old = "SELECT tableoid::regclass || ' ' || at || ' ' || action FROM kontor.audit_log WHERE at < now() - interval '13 months'";
    assert_eq!(app.sql(old).await, [""; 0]);
    let month = format!("SELECT to_regclass('kontor.audit_log_y{}') IS NULL", then.format("%Ym%m"));
    assert_eq!(app.sql(&month).await, ["t"], "the month is dropped whole");
    // A year later the old seals go too, but for the one that the next is chained to.
    app.sql("UPDATE kontor.audit_seals SET created_at = created_at - interval '20 months' WHERE number <= 3").await;
    app.sql("SELECT kontor.retire_trail(now() - interval '13 months')").await;
    let first =
        format!("SELECT min(number) FROM kontor.audit_seals WHERE tenant_id = '{}'", tenant.0);
    assert_eq!(app.sql(&first).await, ["3"]);
    // Who cuts off more than that is found out.
    app.sql(&format!("DELETE FROM kontor.audit_log a USING kontor.audit_seals s WHERE s.tenant_id = '{0}' AND s.number <= 5 AND a.id = ANY(s.entries)", tenant.0)).await;
    app.sql(&format!(
        "DELETE FROM kontor.audit_seals WHERE tenant_id = '{}' AND number <= 5",
        tenant.0
    ))
    .await;
    assert!(verified(&app, tenant).await.findings.contains(&Finding::SealMissing { before: 6 }));
    let refused = crate::support::postgres::try_ask(
        &app.settings.owner_url,
        "SET ROLE kontor_app; SELECT kontor.retire_trail(now())",
    )
    .await;
    assert!(refused.unwrap_err().contains("the last year of the trail stays"));
}

/// As an operator does it, beside a server that runs.
#[test]
fn the_operator_proves_the_trail() {
    let folder = Folder::new();
    let data = folder.0.to_str().unwrap();
    let server = Server::demo(&folder.0);
    let token = server.sign_in("manager@acme.test");
    let make = "mutation { tagCreate(input: { name: \"Sealed\" }) { tag { id } } }";
    server.ask(Some(&token), make, Json::Null);
    let told = || {
        let output = run(&["audit", "verify", "--data-dir", data]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        (output, told)
    };
    let began = std::time::Instant::now();
    let head = loop {
        let (output, told) = told();
        assert!(output.status.success(), "{told} {output:?}");
        let acme = told.lines().find(|line| line.contains("acme")).unwrap().to_owned();
        if acme.contains("0 wait") {
            break acme.rsplit("head ").next().unwrap().to_owned();
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never sealed: {told}");
        std::thread::sleep(Duration::from_millis(500));
    };
    let known = run(&["audit", "verify", "--tenant", "acme", "--head", &head, "--data-dir", data]);
    assert!(known.status.success(), "{known:?}");
    let other =
        run(&["audit", "verify", "--tenant", "globex", "--head", &head, "--data-dir", data]);
    assert_eq!(failure(&other), "One thing is not as it was written down.");
    let nobody = run(&["audit", "verify", "--tenant", "nobody", "--data-dir", data]);
    assert_eq!(failure(&nobody), "There is no tenant nobody.");
    assert!(server.stop().success());
}
