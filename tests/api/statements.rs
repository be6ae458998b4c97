//! The watch over all SQL bites. (The watch itself runs in every test: support/statements.rs.)

use std::sync::{Arc, Mutex};

use async_graphql::parser::parse_query;
use serde_json::json;

use crate::support::{
    TestApp,
    statements::{budget, fault_of},
};

#[test]
fn a_table_without_its_tenant_is_a_fault() {
    let sound = [
        "SELECT c.id FROM kontor.companies c WHERE c.tenant_id = $1 AND c.id = $2",
        "SELECT \"kontor\".\"companies\".\"id\" FROM \"kontor\".\"companies\" WHERE ((\"kontor\".\"companies\".\"tenant_id\" = $1) AND TRUE)",
        "SELECT u.id FROM kontor.users u JOIN kontor.memberships m ON m.user_id = u.id WHERE m.tenant_id = $1",
        "SELECT c.id FROM kontor.companies c LEFT JOIN kontor.tags t ON t.tenant_id = $1 AND t.id = c.id WHERE c.tenant_id = $1",
        "UPDATE kontor.companies SET name = $1 WHERE kontor.companies.tenant_id = $2 AND id = $3",
        "INSERT INTO kontor.companies (tenant_id, id) VALUES ($1, $2)",
        "SELECT count(*) FROM (SELECT c.id FROM kontor.companies c WHERE c.tenant_id = $1 LIMIT $2) AS counted",
    ];
    for sql in sound {
        assert_eq!(fault_of(sql), None, "{sql}");
    }
    let faulty = [
        "SELECT c.id FROM kontor.companies c WHERE c.id = $1",
        "SELECT c.id FROM kontor.companies c WHERE c.tenant_id = $1 OR c.id = $2",
        "SELECT c.id FROM kontor.companies c WHERE c.tenant_id = kontor.current_tenant()",
        "SELECT c.id FROM kontor.companies c JOIN kontor.tags t ON t.id = c.id WHERE c.tenant_id = $1",
        "SELECT c.id FROM kontor.companies c LEFT JOIN kontor.tags t ON t.tenant_id = c.tenant_id WHERE c.tenant_id = $1",
        "SELECT c.id FROM kontor.companies c WHERE c.tenant_id = $1 AND EXISTS (SELECT 1 FROM kontor.tags t WHERE t.id = c.id)",
        "SELECT u.id FROM (kontor.users u INNER JOIN kontor.memberships m ON (m.user_id = u.id)) WHERE (u.id = ANY($1))",
        "SELECT count(*) FROM (SELECT c.id FROM kontor.companies c) AS counted",
        "WITH x AS (SELECT id FROM kontor.companies) SELECT id FROM kontor.users",
        "UPDATE kontor.companies SET name = $1 WHERE id = $2",
        "DELETE FROM kontor.companies WHERE id = $1",
        "INSERT INTO kontor.companies (id) VALUES ($1)",
    ];
    for sql in faulty {
        assert!(fault_of(sql).is_some(), "{sql}");
    }
}

#[test]
fn a_budget_counts_edges_and_not_rows() {
    let of = |query: &str| budget(&parse_query(query).unwrap());
    assert_eq!(of("{ companies(first: 100) { nodes { id name } } }"), Some(1));
    assert_eq!(
        of("{ companies(first: 100) { nodes { id owner { name } } totalCount { value } } }"),
        Some(3)
    );
    assert_eq!(
        of("{ a: company(id: 1) { owner { id } } b: company(id: 2) { owner { id } } }"),
        Some(3)
    );
    assert_eq!(
        of("{ companies { edges { cursor node { owner { id } } } pageInfo { endCursor } } }"),
        Some(2)
    );
    assert_eq!(of("{ company(id: 1) { annualRevenue { amount } } }"), Some(1), "money is no edge");
}

/// A statement is planned once, whatever is bound to it; but a pattern or a range may pass one record
/// or all.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_planned_by_its_values_where_they_decide() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let told = sent.clone();
    let app = TestApp::with(|settings| {
        let watch = settings.recorder.take();
        settings.recorder = Some(Arc::new(move |sql: &str| {
            if let Some(watch) = &watch {
                watch(sql);
            }
            told.lock().unwrap().push(sql.to_owned());
        }));
    })
    .await;
    let rep = app.sign_in("manager@acme.test").await;
    let modes = async |which: &str| {
        sent.lock().unwrap().clear();
        let asked =
            format!("{{ companies({which}) {{ totalCount {{ value }} nodes {{ name }} }} }}");
        rep.data(&asked, json!({})).await;
        let sent = std::mem::take(&mut *sent.lock().unwrap());
        sent.iter().filter(|sql| sql.contains("plan_cache_mode = auto")).count()
    };
    assert_eq!(modes("where: { industry: { eq: \"Retail\" } }").await, 0);
    assert_eq!(modes("where: { name: { contains: \"a\" } }").await, 1);
    assert_eq!(modes("where: { not: { createdAt: { gt: \"2026-01-01T00:00:00Z\" } } }").await, 1);
    assert_eq!(modes("first: 1").await, 0);
}
