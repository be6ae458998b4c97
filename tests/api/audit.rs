//! The audit trail, as those see it who may.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp};

async fn trail(person: &Person<'_>, which: Json) -> Vec<Json> {
    let query = "query($w: AuditWhere) { auditLog(first: 100, where: $w) { nodes { id at actor { email } table recordId action changes requestId } } }";
    person.data(query, json!({ "w": which })).await["auditLog"]["nodes"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_with_old_and_new_values() {
    let app = TestApp::new().await;
    let (admin, manager) =
        (app.sign_in("admin@acme.test").await, app.sign_in("manager@acme.test").await);
    let made =
        "mutation { companyCreate(input: { name: \"Told\", city: \"Oslo\" }) { company { id } } }";
    let id = manager.data(made, Json::Null).await["companyCreate"]["company"]["id"].clone();
    let change = "mutation($id: ID!) { companyUpdate(id: $id, input: { city: \"Rome\" }) { company { id } } }";
    manager.data(change, json!({ "id": id })).await;
    let told = trail(&admin, json!({ "recordId": id })).await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["changes"], json!({ "city": { "old": "Oslo", "new": "Rome" } }));
    assert_eq!(
        (&told[0]["action"], &told[1]["action"]),
        (&json!("UPDATED"), &json!("CREATED")),
        "the newest first"
    );
    assert_eq!(
        (&told[0]["actor"]["email"], &told[0]["recordId"], &told[0]["requestId"]),
        (&json!("manager@acme.test"), &id, &json!("test"))
    );
    let one = admin
        .data(
            "query($id: ID!) { node(id: $id) { ... on AuditEntry { action } } }",
            json!({ "id": told[0]["id"] }),
        )
        .await;
    assert_eq!(one["node"]["action"], "UPDATED");
    let rival = app.sign_in("owner@globex.test").await;
    assert_eq!(trail(&rival, json!({ "recordId": id })).await, [json!(null); 0]);
    let denied = manager.run("{ auditLog { nodes { id } } }", Json::Null).await;
    assert_eq!(denied["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_and_their_failures_are_in_the_trail_and_secrets_are_not() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let wrong = "mutation { signIn(input: { email: \"rep@acme.test\", password: \"a wrong secret\" }) { userErrors { code } } }";
    app.anonymous().data(wrong, Json::Null).await;
    let rep = app.sign_in("rep@acme.test").await;
    rep.data("mutation { passwordChange(password: \"kontor-demo\", newPassword: \"four words at random\") { userErrors { code } } signOut { userErrors { code } } }", Json::Null).await;
    app.settle().await;
    let id = json!(rep.user().to_string());
    let told = trail(&admin, json!({ "recordId": id })).await;
    let actions: Vec<&str> = told.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    for action in ["SIGN_IN_FAILED", "SIGNED_IN", "PASSWORD_CHANGED", "SIGNED_OUT"] {
        assert!(actions.contains(&action), "{action} is not in {actions:?}");
    }
    let invite = "mutation($role: ID!) { invitationCreate(input: { email: \"x@elsewhere.example\", roleIds: [$role] }) { invitation { id } } }";
    admin.data(invite, json!({ "role": kontor::access::BuiltInRole::Rep.id().to_string() })).await;
    let all = app
        .sql("SELECT coalesce(old::text, '') || coalesce(new::text, '') FROM kontor.audit_log")
        .await
        .join("\n");
    assert!(
        !all.contains("a wrong secret") && !all.contains("four words") && !all.contains("$2b$")
    );
    assert!(all.contains("\"hash\": \"***\""), "a secret column is starred");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_requests_cannot_touch_the_trail() {
    let app = TestApp::new().await;
    for statement in [
        "UPDATE kontor.audit_log SET action = 'READ'",
        "DELETE FROM kontor.audit_log",
        "INSERT INTO kontor.audit_log SELECT * FROM kontor.audit_log",
    ] {
        let as_app = format!("SET ROLE kontor_app; {statement}");
        let refused = crate::support::postgres::try_ask(&app.settings.owner_url, &as_app).await;
        assert!(refused.is_err_and(|error| error.contains("permission denied")), "{statement}");
    }
}
