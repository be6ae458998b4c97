//! Every example in playground/operations is valid and runs.

use std::{collections::HashMap, fs, path::Path};

use async_graphql::parser::{parse_query, types::OperationType};
use serde_json::{Map, Value as Json, json};

use crate::support::{
    Person, TestApp,
    oidc::{Oidc, ada, begin},
    sdl::schema,
    token_of,
};

/// Something of each kind that an example may ask for.
async fn things(app: &TestApp, person: &Person<'_>, oidc: &Oidc) -> HashMap<&'static str, Json> {
    let (owner, rep) = (app.sign_in("owner@acme.test").await, app.sign_in("rep@acme.test").await);
    let made = "mutation { tagCreate(input: { name: \"Known\" }) { tag { id } }
        apiClientCreate(input: { name: \"Known\", scopes: [], mode: OPEN }) { apiClient { id secrets { id } } }
        roleCreate(input: { name: \"Known\", grants: [] }) { role { id } }
        scoreRuleCreate(input: { name: \"Known\", event: NOTE, points: 1 }) { scoreRule { id } }
        savedViewCreate(input: { name: \"Known\", kind: COMPANY, visibility: PUBLIC }) { savedView { id } }
        worked: territoryCreate(input: { name: \"Worked\" }) { territory { id } }
        territoryCreate(input: { name: \"Known\" }) { territory { id } } }";
    let made = owner.data(made, Json::Null).await;
    let program = &made["apiClientCreate"]["apiClient"];
    let seen = "{ companies(first: 1) { nodes { id } } roles { id name } sessions { id } }";
    let seen = owner.data(seen, Json::Null).await;
    let manager = seen["roles"].as_array().unwrap().iter().find(|role| role["name"] == "MANAGER");
    let sign_in = "mutation { signIn(input: { email: \"rep@acme.test\", password: \"kontor-demo\" }) { refreshToken } }";
    let manager_id = manager.unwrap()["id"].clone();
    let invite = "mutation($role: ID!) { invitationCreate(input: { email: \"known@elsewhere.example\", roleIds: [$role] }) { invitation { id } } }";
    let invited = owner.data(invite, json!({ "role": manager_id })).await;
    let asks = "mutation { accessRequestCreate(input: { tenant: \"acme\", email: \"asks@elsewhere.example\", name: \"Asks\" }) { userErrors { code } }
        passwordResetRequest(email: \"rep2@acme.test\") { userErrors { code } } }";
    app.anonymous().data(asks, Json::Null).await;
    let asked = owner.data("{ accessRequests { nodes { id } } }", Json::Null).await;
    let mails = app.mails().await;
    let token =
        |subject: &str| json!(token_of(mails.iter().find(|mail| mail.contains(subject)).unwrap()));
    let session = app.anonymous().data(sign_in, Json::Null).await;
    let own = person.data("{ sessions { id } }", Json::Null).await;
    let company = match person.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await {
        own if own["companies"]["nodes"][0].is_object() => {
            own["companies"]["nodes"][0]["id"].clone()
        }
        _ => seen["companies"]["nodes"][0]["id"].clone(),
    };
    let register = "mutation($c: ID!) { documentsRegister(clientId: $c, documents: [{ body: \"{ viewer { permissions } }\" }]) { documents { id } } }";
    let document = owner.data(register, json!({ "c": program["id"] })).await;
    let sold = sales(&owner, &rep).await;
    let met = "mutation { contactCreate(input: { lastName: \"Known\", phone: \"+1 555 0100\" }) { contact { id } } }";
    let met = rep.data(met, Json::Null).await;
    let found = "mutation { leadCreate(input: { name: \"Known\", email: \"known@leads.example\", organisation: \"Known\" }) { lead { id } }
        other: leadCreate(input: { name: \"Other\" }) { lead { id } } }";
    let found = rep.data(found, Json::Null).await;
    let works = "mutation($t: ID!, $u: ID!) { territoryMembersReplace(id: $t, members: [{ userId: $u }]) { userErrors { code } } }";
    let worked = &made["worked"]["territory"]["id"];
    owner.data(works, json!({ "t": worked, "u": rep.user().to_string() })).await;
    let did = "mutation($id: ID!) { activityCreate(input: { kind: TASK, subject: \"Known\", aboutId: $id }) { activity { id } } }";
    let did = rep.data(did, json!({ "id": met["contactCreate"]["contact"]["id"] })).await;
    let sso = sign_on(app, &owner, oidc).await;
    HashMap::from([
        ("apiClientId", program["id"].clone()),
        ("apiSecretId", program["secrets"][0]["id"].clone()),
        ("documentRecordId", document["documentsRegister"]["documents"][0]["id"].clone()),
        ("ssoProviderId", sso.0),
        ("ssoState", sso.1["state"].clone()),
        ("ssoCode", sso.1["code"].clone()),
        ("companyId", company),
        ("contactId", met["contactCreate"]["contact"]["id"].clone()),
        ("leadId", found["leadCreate"]["lead"]["id"].clone()),
        ("otherLeadId", found["other"]["lead"]["id"].clone()),
        ("savedViewId", made["savedViewCreate"]["savedView"]["id"].clone()),
        ("scoreRuleId", made["scoreRuleCreate"]["scoreRule"]["id"].clone()),
        ("memberTerritoryId", worked.clone()),
        ("activityId", did["activityCreate"]["activity"]["id"].clone()),
        ("dealId", sold["dealCreate"]["deal"]["id"].clone()),
        ("nextStageId", sold["pipelines"][0]["stages"][1]["id"].clone()),
        ("pipelineId", sold["pipelines"][0]["id"].clone()),
        ("emptyPipelineId", sold["pipelines"][1]["id"].clone()),
        ("emptyStageId", sold["pipelines"][1]["stages"][0]["id"].clone()),
        ("otherStageId", sold["pipelines"][1]["stages"][1]["id"].clone()),
        ("currencyRateId", sold["currencyRateSet"]["currencyRate"]["id"].clone()),
        ("territoryId", made["territoryCreate"]["territory"]["id"].clone()),
        ("tagId", made["tagCreate"]["tag"]["id"].clone()),
        ("ownRoleId", made["roleCreate"]["role"]["id"].clone()),
        ("roleId", manager_id),
        ("invitationId", invited["invitationCreate"]["invitation"]["id"].clone()),
        ("accessRequestId", asked["accessRequests"]["nodes"][0]["id"].clone()),
        ("invitationToken", token("Invitation")),
        ("resetToken", token("new password")),
        ("userId", json!(rep.user().to_string())),
        ("otherUserId", user_id(app, "rep2@acme.test").await),
        ("sessionId", own["sessions"][0]["id"].clone()),
        ("refreshToken", session["signIn"]["refreshToken"].clone()),
    ])
}

/// A deal on the first of two pipelines, and an exchange rate.
async fn sales(owner: &Person<'_>, rep: &Person<'_>) -> Json {
    let set_up = "mutation {
        pipelineCreate(input: { name: \"Known\", stages: [{ name: \"One\" }, { name: \"Two\" }] }) { pipeline { id } }
        currencyRateSet(currency: \"GBP\", validFrom: \"2026-01-01\", rate: \"1.25\") { currencyRate { id } } }";
    let mut sold = owner.data(set_up, Json::Null).await;
    let deal = "mutation { dealCreate(input: { name: \"Known\" }) { deal { id } } }";
    sold["dealCreate"] = rep.data(deal, Json::Null).await["dealCreate"].clone();
    let pipelines = owner.data("{ pipelines { id stages { id } } }", Json::Null).await;
    sold["pipelines"] = pipelines["pipelines"].clone();
    sold
}

async fn user_id(app: &TestApp, email: &str) -> Json {
    let id = app.sql(&format!("SELECT id FROM kontor.users WHERE email = '{email}'")).await;
    json!(kontor::accounts::UserId(id[0].parse().unwrap()).to_string())
}

/// acme with an identity provider, and what somebody came back from it with.
async fn sign_on(app: &TestApp, owner: &Person<'_>, oidc: &Oidc) -> (Json, Json) {
    let registered = oidc.register(owner, json!({ "name": "Known Login" })).await;
    let begun = begin(app, "acme").await;
    let back = oidc.authorize(begun["url"].as_str().unwrap(), ada());
    (registered["provider"]["id"].clone(), back)
}

/// An example names who runs it in its first line (`# as rep@acme.test`) and may leave ids to be
/// filled in: a variable `$companyId` gets some company's id.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/operations");
    let (mut covered, oidc) = (Vec::new(), Oidc::start().await);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let app = TestApp::new().await;
        let who = text.lines().next().and_then(|line| line.strip_prefix("# as "));
        let (who, state) = who.map_or((None, ""), |who| {
            let (who, state) = who.split_once(", who has ").unwrap_or((who, ""));
            (Some(who), state)
        });
        let person = match who {
            Some(who) => app.sign_in(who).await,
            None => app.anonymous(),
        };
        let mut known =
            if who.is_some() { things(&app, &person, &oidc).await } else { HashMap::new() };
        match state {
            "" => {}
            "begun a second factor" => {
                let begin = "mutation { totpEnrol(password: \"kontor-demo\") { secret } }";
                let begun = person.data(begin, Json::Null).await;
                let code = app.code(begun["totpEnrol"]["secret"].as_str().unwrap());
                known.insert("totpCode", json!(code));
            }
            "a second factor" => {
                let (_, codes) = app.enrol(who.unwrap()).await;
                known.insert("recoveryCode", json!(codes[0]));
            }
            other => panic!("{name}: who has {other}?"),
        }
        if text.contains("$enrolledUserId") {
            app.enrol("rep2@acme.test").await;
            known.insert("enrolledUserId", user_id(&app, "rep2@acme.test").await);
        }
        let document = parse_query(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (_, operation) = document.operations.iter().next().unwrap();
        let mut variables = Map::new();
        for variable in &operation.node.variable_definitions {
            let variable = &variable.node;
            let key = variable.name.node.as_str();
            if variable.default_value.is_none() && !variable.var_type.node.nullable {
                let value = known.get(key).unwrap_or_else(|| panic!("{name}: what is ${key}?"));
                variables.insert(key.to_owned(), value.clone());
            }
        }
        let data = person.data(&text, Json::Object(variables)).await;
        for (key, value) in data.as_object().unwrap() {
            assert!(
                value.get("userErrors").is_none_or(|errors| *errors == json!([])),
                "{name}: {key} {value}"
            );
            assert!(!value.is_null() || key == "viewer", "{name}: {key} is null");
        }
        let root = match operation.node.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        covered.push((root, text));
    }
    // Whoever meets the schema finds an example for every field.
    for (root, field) in schema().roots() {
        let name = &field.name.node;
        let shown = covered.iter().any(|(of, text)| *of == root && text.contains(name.as_str()));
        assert!(shown, "no example shows {root}.{name}");
    }
}
