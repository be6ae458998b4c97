//! Fields that take a permission of their own.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal, sdl::schema};

#[tokio::test(flavor = "multi_thread")]
async fn what_one_may_not_see_is_null_and_its_path_is_told() {
    let app = TestApp::new().await;
    let query = "{ list: companies(first: 2) { nodes { name revenue: annualRevenue { amount } } } companies(first: 1) { edges { node { annualRevenue { amount } } } } }";
    let operations = app.sign_in("operations@acme.test").await.run(query, Json::Null).await;
    assert!(operations.get("errors").is_none(), "{operations}");
    assert_eq!(operations["data"]["list"]["nodes"][1]["revenue"], Json::Null);
    assert_eq!(
        operations["extensions"]["masked"],
        json!([
            ["companies", "edges", 0, "node", "annualRevenue"],
            ["list", "nodes", 0, "revenue"],
            ["list", "nodes", 1, "revenue"],
        ])
    );
    let finance = app.sign_in("finance@acme.test").await.run(query, Json::Null).await;
    assert!(finance["data"]["list"]["nodes"][1]["revenue"]["amount"].is_string());
    assert!(finance.get("extensions").is_none(), "nothing was hidden");
}

/// Who may change companies, but not see money.
async fn without_money(app: &TestApp) -> Person<'_> {
    let viewer = app.sign_in("manager@acme.test").await.viewer();
    let grants = kontor::access::Permission::ALL
        .iter()
        .copied()
        .filter(|one| *one != kontor::access::Permission::MoneyRead)
        .collect();
    app.as_viewer(kontor::access::Viewer { grants, ..viewer })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_may_not_see_one_may_not_write_and_nothing_is_half_done() {
    let app = TestApp::new().await;
    let person = without_money(&app).await;
    let create = "mutation($i: CompanyCreateInput!) { companyCreate(input: $i) { company { id } userErrors { code field } } }";
    let revenue = json!({ "amount": "5", "currency": "USD" });
    let refused =
        person.data(create, json!({ "i": { "name": "New", "annualRevenue": revenue } })).await;
    assert_eq!(refusal(&refused["companyCreate"]), ("FORBIDDEN_FIELD", vec!["annualRevenue"]));
    let made = person.data(create, json!({ "i": { "name": "New" } })).await;
    let id = made["companyCreate"]["company"]["id"].clone();
    let update = "mutation($id: ID!, $i: CompanyUpdateInput!) { companyUpdate(id: $id, input: $i) { company { city } userErrors { code field } } }";
    for revenue in [revenue, Json::Null] {
        let input = json!({ "city": "Oslo", "annualRevenue": revenue });
        let refused = person.data(update, json!({ "id": id, "i": input })).await;
        assert_eq!(refusal(&refused["companyUpdate"]), ("FORBIDDEN_FIELD", vec!["annualRevenue"]));
    }
    assert_eq!(
        app.sql("SELECT count(*) FROM kontor.companies WHERE city = 'Oslo' AND name = 'New'").await,
        ["0"]
    );
    let fine = person.data(update, json!({ "id": id, "i": { "city": "Oslo" } })).await;
    assert_eq!(fine["companyUpdate"]["company"]["city"], "Oslo");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_hides_what_its_reader_may_not_see() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let create = "mutation { companyCreate(input: { name: \"Rich\", annualRevenue: { amount: \"987654\", currency: \"USD\" } }) { company { id } } }";
    let id = manager.data(create, Json::Null).await["companyCreate"]["company"]["id"].clone();
    let query = "query($id: ID!) { auditLog(where: { recordId: $id }) { nodes { changes } } }";
    let admin = app.sign_in("admin@acme.test").await;
    let seen = admin.data(query, json!({ "id": id })).await.to_string();
    assert!(seen.contains("987654"), "{seen}");
    let hidden = without_money(&app).await.run(query, json!({ "id": id })).await;
    assert!(!hidden.to_string().contains("987654"), "{hidden}");
    let changes = &hidden["data"]["auditLog"]["nodes"][0]["changes"];
    assert_eq!(
        (&changes["annual_revenue"], &changes["name"]["new"]),
        (&Json::Null, &json!("Rich"))
    );
    let path = json!(["auditLog", "nodes", 0, "changes", "annual_revenue"]);
    assert!(hidden["extensions"]["masked"].as_array().unwrap().contains(&path));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_written_down_where_the_tenant_says_so() {
    let app = TestApp::new().await;
    let (admin, finance) =
        (app.sign_in("admin@acme.test").await, app.sign_in("finance@acme.test").await);
    let read = "{ companies(first: 3) { nodes { id annualRevenue { amount } again: annualRevenue { currency } } } }";
    let reads = async || {
        app.settle().await;
        let query = "{ auditLog(where: { action: { eq: \"READ\" } }) { nodes { table recordId actor { email } requestId changes } } }";
        admin.data(query, Json::Null).await["auditLog"]["nodes"].clone()
    };
    finance.data(read, Json::Null).await;
    assert_eq!(reads().await, json!([]));
    let policy = "mutation { securityPolicyUpdate(input: { recordedPermissions: [\"money:read\"] }) { userErrors { code } } }";
    admin.data(policy, Json::Null).await;
    app.clock.advance(std::time::Duration::from_secs(2));
    let finance = app.sign_in("finance@acme.test").await;
    let page = finance.data(read, Json::Null).await["companies"]["nodes"].clone();
    // Who sees nothing has read nothing.
    app.sign_in("operations@acme.test").await.data(read, Json::Null).await;
    finance.data("{ companies { nodes { name } } }", Json::Null).await;
    let told = reads().await;
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 3, "one for each record: {told:?}");
    for entry in told {
        assert!(page.as_array().unwrap().iter().any(|company| company["id"] == entry["recordId"]));
        assert_eq!(entry["actor"]["email"], "finance@acme.test");
        assert_eq!(entry["changes"]["fields"]["new"], json!(["annualRevenue"]));
    }
}

/// Of no column of their own: what they are made of is guarded.
const MADE: [(&str, &str); 1] = [("Deal", "weighted")];

/// A field that names a permission in the schema is guarded as a column too, wherever else it
/// shows up.
#[test]
fn a_guarded_field_is_a_guarded_column() {
    use kontor::access::TABLES;
    let columns: Vec<_> = TABLES.iter().flat_map(|table| table.fields).collect();
    let mut found = 0;
    for (ty, field) in schema().guarded_fields() {
        let snake = field.name.node.chars().fold(String::new(), |text, c| match c {
            c if c.is_uppercase() => format!("{text}_{}", c.to_lowercase()),
            c => format!("{text}{c}"),
        });
        if MADE.contains(&(ty, field.name.node.as_str())) {
            continue;
        }
        let permission = crate::support::sdl::requires(field).unwrap();
        let guarded = columns.iter().any(|(name, one)| *name == snake && one.name() == permission);
        assert!(guarded, "{ty}.{snake} is not in access/tables.rs");
        found += 1;
    }
    assert!(found > 0);
}
