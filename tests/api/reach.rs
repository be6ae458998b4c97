//! Whose records one sees: the same on every path, whatever roles and reporting lines there are.

use std::{collections::BTreeSet, time::Duration};

use kontor::{
    access::BuiltInRole,
    accounts::{UserId, report_to},
    companies::CompanyId,
    db::WriteContext,
    ids::new_uuid,
    tenants::TenantId,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::support::{Person, TestApp};

const PEOPLE: [&str; 9] =
    ["owner", "admin", "manager", "rep", "rep2", "finance", "operations", "field", "viewer"];
/// Worlds that are tried; `make soak` tries more.
const WORLDS: u64 = 6;

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % most
    }
}

/// What is so in the database, told in the simplest way there is.
struct World {
    seed: u64,
    /// Whom each person reports to.
    manager: Vec<Option<usize>>,
    /// How far company:read reaches, and whether one reads the trail.
    reach: Vec<(Option<&'static str>, bool)>,
    owner: Vec<Option<usize>>,
}

impl World {
    /// Does `above` stand above `below`, at any distance? (A circle would never end.)
    fn leads(&self, above: usize, below: usize) -> bool {
        let mut at = self.manager[below];
        while let Some(next) = at {
            if next == above {
                return true;
            }
            at = self.manager[next];
        }
        false
    }

    fn sees(&self, person: usize, company: usize) -> bool {
        let owner = self.owner[company];
        match self.reach[person].0 {
            None => false,
            Some("ALL") => true,
            Some("TEAM") => owner.is_some_and(|o| o == person || self.leads(person, o)),
            Some(_) => owner == Some(person),
        }
    }
}

struct Ground<'a> {
    app: &'a TestApp,
    tenant: TenantId,
    people: Vec<Uuid>,
    companies: Vec<Uuid>,
}

impl Ground<'_> {
    /// Lets people move about in the reporting line as the product does it, then gives them roles
    /// and companies.
    async fn shake(&self, seed: u64) -> World {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut world = World {
            seed,
            manager: vec![None; self.people.len()],
            reach: Vec::new(),
            owner: Vec::new(),
        };
        for person in 0..self.people.len() {
            self.move_to(person, None).await;
        }
        for _ in 0..25 {
            let (person, to) = (dice.below(9), dice.below(10));
            let to = (to < 9).then_some(to);
            let circle = to.is_some_and(|to| to == person || world.leads(person, to));
            assert_eq!(self.move_to(person, to).await, !circle, "seed {seed}");
            if !circle {
                world.manager[person] = to;
            }
        }
        for person in 0..self.people.len() {
            world.reach.push(self.dress(person, &mut dice).await);
        }
        for company in &self.companies {
            let owner = dice.below(11);
            let owner = (owner < 9).then_some(owner);
            let to = owner.map_or("NULL".into(), |owner| format!("'{}'", self.people[owner]));
            self.app
                .sql(&format!("UPDATE kontor.companies SET owner_id = {to} WHERE id = '{company}'"))
                .await;
            world.owner.push(owner);
        }
        world
    }

    async fn move_to(&self, person: usize, to: Option<usize>) -> bool {
        let write = new_uuid(&self.app.clock);
        let context = WriteContext { write, actor: None, request: "t".into() };
        let tx = self.app.api.db().write(self.tenant, context).await.unwrap();
        let (person, to) = (UserId(self.people[person]), to.map(|to| UserId(self.people[to])));
        match report_to(&tx, &self.app.clock, person, to).await {
            Ok(()) => tx.commit().await.map(|()| true).unwrap(),
            Err(_) => tx.roll_back().await.map(|()| false).unwrap(),
        }
    }

    /// Some of the built-in roles, and perhaps roles of the tenant's own; how far they reach
    /// together.
    async fn dress(&self, person: usize, dice: &mut Dice) -> (Option<&'static str>, bool) {
        let (id, tenant) = (self.people[person], self.tenant.0);
        let order = |reach: Option<&str>| match reach {
            None => 0,
            Some("OWN") => 1,
            Some("TEAM") => 2,
            Some(_) => 3,
        };
        let mut reach: Option<&'static str> = None;
        let mut trail = false;
        let mut names = Vec::new();
        for _ in 0..=dice.below(2) {
            let role = [
                BuiltInRole::FieldStaff,
                BuiltInRole::Rep,
                BuiltInRole::Customer,
                BuiltInRole::Viewer,
            ][dice.below(4)];
            let of = match role {
                BuiltInRole::Rep => Some("TEAM"),
                BuiltInRole::Viewer => Some("ALL"),
                _ => None,
            };
            reach = if order(of) > order(reach) { of } else { reach };
            names.push(format!("'{}'", role.name()));
        }
        let set = format!(
            "UPDATE kontor.memberships SET roles = ARRAY[{}] WHERE tenant_id = '{tenant}' AND user_id = '{id}'; DELETE FROM kontor.membership_roles WHERE tenant_id = '{tenant}' AND user_id = '{id}'",
            names.join(", ")
        );
        self.app.sql(&set).await;
        for _ in 0..dice.below(3) {
            let of = ["OWN", "TEAM", "ALL"][dice.below(3)];
            let reads_trail = dice.below(2) == 0;
            let (role, name) = (new_uuid(&self.app.clock), new_uuid(&self.app.clock));
            let mut grants = vec![("company:read", of)];
            grants.extend(reads_trail.then_some(("audit:read", "ALL")));
            let mut make = format!(
                "INSERT INTO kontor.roles (tenant_id, id, name) VALUES ('{tenant}', '{role}', '{name}'); INSERT INTO kontor.membership_roles VALUES ('{tenant}', gen_random_uuid(), '{id}', '{role}')"
            );
            for (permission, reach) in grants {
                let grant = format!(
                    "; INSERT INTO kontor.role_grants VALUES ('{tenant}', gen_random_uuid(), '{role}', '{permission}', '{reach}')"
                );
                make.push_str(&grant);
            }
            self.app.sql(&make).await;
            trail |= reads_trail;
            reach = if order(Some(of)) > order(reach) { Some(of) } else { reach };
        }
        (reach, trail)
    }
}

fn ids(nodes: &Json) -> BTreeSet<String> {
    nodes
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|node| node["id"].as_str())
        .map(Into::into)
        .collect()
}

/// Every way to a company that there is, for one person.
async fn compare(world: &World, person: usize, viewer: &Person<'_>, companies: &[String]) {
    let expected: BTreeSet<String> = companies
        .iter()
        .enumerate()
        .filter(|(at, _)| world.sees(person, *at))
        .map(|(_, id)| id.clone())
        .collect();
    let told = format!("seed {}, {}", world.seed, PEOPLE[person]);
    let query = "query($ids: [ID!]!) {
        companies(first: 100) { nodes { id } edges { node { id } } totalCount { value } }
        tagged: companies(first: 100, where: { or: [{ name: { contains: \"\" } }, { not: { city: { eq: \"x\" } } }] }) { nodes { id } }
        nodes(ids: $ids) { id }
    }";
    let answer = viewer.run(query, json!({ "ids": companies })).await;
    let data = &answer["data"];
    if world.reach[person].0.is_none() {
        assert_eq!(data["companies"], Json::Null, "{told}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{told}");
    } else {
        let list = &data["companies"];
        let edges: Vec<Json> =
            list["edges"].as_array().unwrap().iter().map(|e| e["node"].clone()).collect();
        assert_eq!(ids(&list["nodes"]), expected, "{told}: list");
        assert_eq!(ids(&json!(edges)), expected, "{told}: edges");
        assert_eq!(ids(&data["tagged"]["nodes"]), expected, "{told}: a filtered list");
        assert_eq!(list["totalCount"]["value"], expected.len(), "{told}: count");
    }
    assert_eq!(ids(&data["nodes"]), expected, "{told}: nodes");
    for id in companies {
        let one = viewer
            .run(
                "query($id: ID!) { node(id: $id) { id } company(id: $id) { id } }",
                json!({ "id": id }),
            )
            .await;
        let seen = expected.contains(id);
        assert_eq!(one["data"]["node"]["id"].is_string(), seen, "{told}: node");
        assert_eq!(one["data"]["company"]["id"].is_string(), seen, "{told}: company");
    }
    if world.reach[person].1 {
        let trail = "query($w: AuditWhere) { auditLog(first: 100, where: $w) { nodes { id recordId } totalCount { value } } }";
        for id in companies {
            let entries =
                viewer.data(trail, json!({ "w": { "recordId": id } })).await["auditLog"].clone();
            let count = entries["totalCount"]["value"].as_i64().unwrap();
            assert_eq!(count > 0, expected.contains(id), "{told}: the trail");
            assert_eq!(entries["nodes"].as_array().unwrap().is_empty(), count == 0, "{told}");
        }
        let all = viewer.data(trail, json!({ "w": { "table": { "eq": "companies" } } })).await;
        let seen: BTreeSet<String> = all["auditLog"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["recordId"].as_str().unwrap().to_owned())
            .collect();
        assert!(seen.is_subset(&expected), "{told}: the whole trail");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_leads_to_the_same_records() {
    let app = TestApp::new().await;
    let worlds = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let worlds = worlds.map_or(WORLDS, |cases: u64| (cases / 100).max(WORLDS));
    let mut tokens = Vec::new();
    let (mut people, mut tenant) = (Vec::new(), None);
    for who in PEOPLE {
        let query = "mutation($e: String!) { signIn(input: { email: $e, password: \"kontor-demo\" }) { accessToken } }";
        let answer = app.anonymous().data(query, json!({ "e": format!("{who}@acme.test") })).await;
        let token = answer["signIn"]["accessToken"].as_str().unwrap().to_owned();
        let person = app.bearer(&token).await.unwrap();
        people.push(person.user().0);
        tenant = Some(person.tenant());
        tokens.push(token);
    }
    let tenant = tenant.unwrap();
    let companies =
        format!("SELECT id FROM kontor.companies WHERE tenant_id = '{}' ORDER BY id", tenant.0);
    let companies: Vec<Uuid> =
        app.sql(&companies).await.iter().map(|id| id.parse().unwrap()).collect();
    let names: Vec<String> = companies.iter().map(|id| CompanyId(*id).to_string()).collect();
    let ground = Ground { app: &app, tenant, people, companies };
    for seed in 1..=worlds {
        let world = ground.shake(seed).await;
        // What was remembered of them is forgotten after a second.
        app.clock.advance(Duration::from_secs(2));
        for (person, token) in tokens.iter().enumerate() {
            let viewer = app.bearer(token).await.unwrap();
            compare(&world, person, &viewer, &names).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_that_grants_or_refuses_is_named() {
    let app = TestApp::new().await;
    let (admin, rep, rep2) = (
        app.sign_in("admin@acme.test").await,
        app.sign_in("rep@acme.test").await,
        app.sign_in("rep2@acme.test").await,
    );
    let own = rep.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await;
    let record = own["companies"]["nodes"][0]["id"].clone();
    let query = "query($r: ID!, $u: ID!) { explainAccess(recordId: $r, userId: $u) { record { id } user { email } rules { permission fields allowed reason reach roles { name } explanation } } }";
    let rules = async |who: &Person<'_>| {
        let variables = json!({ "r": record, "u": who.user().to_string() });
        admin.data(query, variables).await["explainAccess"]["rules"].clone()
    };
    let of = |rules: &Json, permission: &str| {
        rules
            .as_array()
            .unwrap()
            .iter()
            .find(|rule| rule["permission"] == permission)
            .unwrap()
            .clone()
    };
    let read = of(&rules(&rep).await, "company:read");
    assert_eq!(
        (&read["allowed"], &read["reason"], &read["reach"]),
        (&json!(true), &json!("OWN"), &json!("TEAM"))
    );
    assert_eq!(read["roles"], json!([{ "name": "REP" }]));
    assert_eq!(read["explanation"], "REP grants company:read, and Ryan Reed owns the record.");
    let other = of(&rules(&rep2).await, "company:update");
    assert_eq!((&other["allowed"], &other["reason"]), (&json!(false), &json!("OUT_OF_REACH")));
    let manager = app.sign_in("manager@acme.test").await;
    assert_eq!(of(&rules(&manager).await, "company:read")["reason"], "ALL");
    let operations = app.sign_in("operations@acme.test").await;
    let money = of(&rules(&operations).await, "money:read");
    assert_eq!((&money["allowed"], &money["reason"]), (&json!(false), &json!("NOT_GRANTED")));
    assert_eq!(money["fields"], json!(["annual_revenue", "annual_revenue_currency"]));
    // A manager of a team, whose own records these are not.
    let lead = "mutation($u: ID!, $m: ID!) { userManagerSet(id: $u, managerId: $m) { userErrors { code } } }";
    let pair = json!({ "u": rep.user().to_string(), "m": rep2.user().to_string() });
    admin.data(lead, pair).await;
    assert_eq!(of(&rules(&rep2).await, "company:read")["reason"], "TEAM");
    let leave = "mutation($id: ID!) { userDeactivate(id: $id) { userErrors { code } } }";
    admin.data(leave, json!({ "id": rep2.user().to_string() })).await;
    assert_eq!(of(&rules(&rep2).await, "company:read")["reason"], "DEACTIVATED");
}
