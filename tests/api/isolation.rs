//! Nobody learns anything of another tenant: every operation, with the other tenant's ids.

use std::collections::HashMap;

use kontor::access::BuiltInRole;
use serde_json::Value as Json;

use crate::support::{
    Person, TestApp,
    generate::{NOBODY, operation},
    oidc,
    sdl::schema,
};

/// One record of each kind, as ids. A new kind of id without a line here fails the walk.
async fn records(person: &Person<'_>) -> HashMap<&'static str, String> {
    let asks = "mutation { accessRequestCreate(input: { tenant: \"acme\", email: \"y@elsewhere.example\", name: \"Y\" }) { userErrors { code } } }";
    person.data(asks, Json::Null).await;
    let tag = person
        .data(&"mutation { tagCreate(input: { name: \"Theirs\" }) { tag { id } }
            contactCreate(input: { lastName: \"Theirs\" }) { contact { id } }
            dealCreate(input: { name: \"Theirs\" }) { deal { id stage { id pipeline { id } } } }
            currencyRateSet(currency: \"GBP\", validFrom: \"2026-01-01\", rate: \"1.25\") { currencyRate { id } }
            leadCreate(input: { name: \"Theirs\" }) { lead { id } }
            scoreRuleCreate(input: { name: \"Theirs\", event: CALL, points: 1 }) { scoreRule { id } }
            territoryCreate(input: { name: \"Theirs\" }) { territory { id } } roleCreate(input: { name: \"Theirs\", grants: [] }) { role { id } }
            apiClientCreate(input: { name: \"Theirs\", scopes: [], mode: OPEN }) { apiClient { id secrets { id } } }
            invitationCreate(input: { email: \"x@elsewhere.example\", roleIds: [\"ROLE\"] }) { invitation { id } } }".replace("ROLE", &BuiltInRole::Viewer.id().to_string()), Json::Null)
        .await;
    let provider = oidc::Oidc::start().await.register(person, serde_json::json!({})).await;
    let data = person
        .data(
            "{ companies(first: 1) { nodes { id } } viewer { user { id } tenant { id } } auditLog(first: 1) { nodes { id } } sessions { id } accessRequests { nodes { id } } }",
            Json::Null,
        )
        .await;
    let register = "mutation($c: ID!) { documentsRegister(clientId: $c, documents: [{ body: \"{ viewer { permissions } }\" }]) { documents { id } } }";
    let program = serde_json::json!({ "c": tag["apiClientCreate"]["apiClient"]["id"] });
    let document = person.data(register, program).await;
    let about = "mutation($id: ID!) { activityCreate(input: { kind: NOTE, subject: \"Theirs\", aboutId: $id }) { activity { id } } }";
    let about = person
        .data(about, serde_json::json!({ "id": tag["contactCreate"]["contact"]["id"] }))
        .await;
    let view = "mutation { savedViewCreate(input: { name: \"Theirs\", kind: COMPANY, visibility: PUBLIC }) { savedView { id } } }";
    let view = person.data(view, Json::Null).await;
    let id = |value: &Json| value.as_str().unwrap().to_owned();
    HashMap::from([
        ("company", id(&data["companies"]["nodes"][0]["id"])),
        ("activity", id(&about["activityCreate"]["activity"]["id"])),
        ("contact", id(&tag["contactCreate"]["contact"]["id"])),
        ("deal", id(&tag["dealCreate"]["deal"]["id"])),
        ("stage", id(&tag["dealCreate"]["deal"]["stage"]["id"])),
        ("pipeline", id(&tag["dealCreate"]["deal"]["stage"]["pipeline"]["id"])),
        ("rate", id(&tag["currencyRateSet"]["currencyRate"]["id"])),
        ("lead", id(&tag["leadCreate"]["lead"]["id"])),
        ("view", id(&view["savedViewCreate"]["savedView"]["id"])),
        ("scorerule", id(&tag["scoreRuleCreate"]["scoreRule"]["id"])),
        ("territory", id(&tag["territoryCreate"]["territory"]["id"])),
        ("apiclient", id(&tag["apiClientCreate"]["apiClient"]["id"])),
        ("apisecret", id(&tag["apiClientCreate"]["apiClient"]["secrets"][0]["id"])),
        ("auditentry", id(&data["auditLog"]["nodes"][0]["id"])),
        ("document", id(&document["documentsRegister"]["documents"][0]["id"])),
        ("invitation", id(&tag["invitationCreate"]["invitation"]["id"])),
        ("accessrequest", id(&data["accessRequests"]["nodes"][0]["id"])),
        ("role", id(&tag["roleCreate"]["role"]["id"])),
        ("ssoprovider", id(&provider["provider"]["id"])),
        ("session", id(&data["sessions"][0]["id"])),
        ("tag", id(&tag["tagCreate"]["tag"]["id"])),
        ("user", id(&data["viewer"]["user"]["id"])),
        ("tenant", id(&data["viewer"]["tenant"]["id"])),
    ])
}

/// The same operation with ids that exist elsewhere and with ids that exist nowhere answers the
/// same bytes.
#[tokio::test(flavor = "multi_thread")]
async fn not_yours_and_unknown_are_the_same_answer() {
    let app = TestApp::new().await;
    let acme = app.sign_in("owner@acme.test").await;
    let globex = app.sign_in("owner@globex.test").await;
    let records = records(&acme).await;
    let theirs = |kind: &str| {
        records.get(kind).unwrap_or_else(|| panic!("no record of kind {kind} to try")).clone()
    };
    let nobodys = |kind: &str| format!("{kind}_{NOBODY}");
    let mut tried = 0;
    for (root, field) in schema().roots() {
        let made = || operation(root, field, true);
        if !made().variables.values().any(|value| value.to_string().contains("nothing")) {
            continue;
        }
        // Where any kind of id will do, all kinds are tried.
        for kind in records.keys() {
            let (mut bytes, mut any) = (Vec::new(), false);
            for pick in [&theirs as &dyn Fn(&str) -> String, &nobodys] {
                let mut operation = made();
                operation.fill_ids(&globex, pick).await;
                any |= operation.variables().to_string().contains("nothing");
                operation.fill_rest(&pick(kind));
                let dry = globex.dry_run();
                let answer = dry.answer(&operation.query, operation.variables()).await;
                let answer = String::from_utf8(answer.body).unwrap();
                // An id that the caller sent may come back; it is theirs to know.
                let echoed = records.values().fold(answer, |text, id| text.replace(id, "(id)"));
                bytes
                    .push(records.keys().fold(echoed, |text, k| text.replace(&nobodys(k), "(id)")));
            }
            assert_eq!(bytes[0], bytes[1], "{root}.{} with a {kind}", field.name.node);
            tried += 1;
            if !any {
                break;
            }
        }
    }
    assert!(tried > 0, "nothing was tried");
}

/// The look-alike has records of the same names; nobody's list holds the other's.
#[tokio::test(flavor = "multi_thread")]
async fn lists_hold_ones_own_records_only() {
    let app = TestApp::new().await;
    let (acme, globex) =
        (app.sign_in("owner@acme.test").await, app.sign_in("owner@globex.test").await);
    let query = "{ companies(first: 100) { nodes { id name } totalCount { value } } }";
    let (ours, theirs) = (acme.data(query, Json::Null).await, globex.data(query, Json::Null).await);
    let ids = |data: &Json| -> Vec<String> {
        data["companies"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["id"].to_string())
            .collect()
    };
    assert_eq!(ids(&ours).len(), 12);
    assert!(ids(&ours).iter().all(|id| !ids(&theirs).contains(id)));
    assert_eq!(ours["companies"]["totalCount"]["value"], 12);
}
