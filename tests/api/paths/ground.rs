//! What the paths lead through: records of every kind, of several people, and who may read what of them.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use kontor::{access::TABLES, ids::new_uuid};
use serde_json::{Value as Json, json};

use super::Ids;
use crate::support::{
    Person, TestApp,
    sdl::{bare, requires, schema},
};

/// A kind of record that belongs to somebody, and has a list.
pub struct Kind {
    pub name: &'static str,
    pub table: &'static str,
    pub list: String,
    /// What it takes to read it.
    pub permission: String,
}

/// From the tables that say whose their rows are, and the lists that the schema has.
pub fn kinds() -> Vec<Kind> {
    let lists = schema().fields("Query").into_iter().filter_map(|list| {
        let connection = bare(&list.ty.node).strip_suffix("Connection")?;
        // Views are shared by rules of their own; tests/api/views.rs has them.
        let guarded = TABLES.iter().find(|table| table.kind == connection && table.deletable)?;
        let (name, table) = (guarded.kind, guarded.table);
        let permission = requires(list).unwrap();
        guarded.whose.map(|_| Kind { name, table, list: list.name.node.to_string(), permission })
    });
    lists.collect()
}

/// Numbers that look random and are the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn of<'a, T>(&mut self, these: &'a [T]) -> &'a T {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        &these[usize::try_from(self.0 >> 33).unwrap() % these.len()]
    }
}

/// Can records of this kind have tags?
pub fn has_tags(kind: &str) -> bool {
    schema().field(kind, "tags").is_some()
}

/// Records of every kind, with a tag where they can have one. All of their names have the word
/// "Zqxmark".
pub async fn fill(owner: &Person<'_>, dice: &mut Dice) -> BTreeMap<&'static str, Vec<String>> {
    let make = async |mutation: &str, payload: &str, variables: Json| {
        let made = owner.data(mutation, variables).await;
        let record = &made[payload].as_object().unwrap().values().next().unwrap()["id"];
        record.as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let mut all = BTreeMap::<_, Vec<String>>::new();
    for number in 0..4 {
        let name = format!("Zqxmark {number}");
        let company =
            "mutation($n: String!) { companyCreate(input: { name: $n }) { company { id } } }";
        let company = make(company, "companyCreate", json!({ "n": name })).await;
        all.entry("Company").or_default().push(company);
        let at = dice.of(&all["Company"]).clone();
        let contact = "mutation($n: String!, $c: ID) { contactCreate(input: { lastName: $n, companyId: $c }) { contact { id } } }";
        let contact = make(contact, "contactCreate", json!({ "n": name, "c": at })).await;
        all.entry("Contact").or_default().push(contact);
        let with = dice.of(&all["Contact"]).clone();
        let deal = "mutation($n: String!, $c: ID, $p: ID) { dealCreate(input: { name: $n, companyId: $c, contactId: $p }) { deal { id } } }";
        let deal = make(deal, "dealCreate", json!({ "n": name, "c": at, "p": with })).await;
        all.entry("Deal").or_default().push(deal);
        let lead = "mutation($n: String!) { leadCreate(input: { name: $n }) { lead { id } } }";
        let lead = make(lead, "leadCreate", json!({ "n": name })).await;
        all.entry("Lead").or_default().push(lead);
    }
    for number in 0..10 {
        let about = dice.of(&["Company", "Contact", "Deal", "Lead"]);
        let about = dice.of(&all[about]).clone();
        let note = "mutation($n: String!, $a: ID!) { activityCreate(input: { kind: NOTE, subject: $n, aboutId: $a }) { activity { id } } }";
        let named = json!({ "n": format!("Zqxmark {number}"), "a": about });
        let note = make(note, "activityCreate", named).await;
        all.entry("Activity").or_default().push(note);
    }
    let tag = "mutation { tagCreate(input: { name: \"Known\" }) { tag { id } } }";
    let tag = make(tag, "tagCreate", Json::Null).await;
    for (kind, ids) in all.iter().filter(|(kind, _)| has_tags(kind)) {
        for id in ids {
            let field = format!("{}TagsReplace", kind.to_lowercase());
            let put = format!(
                "mutation($i: ID!, $t: ID!) {{ {field}(id: $i, tagIds: [$t]) {{ {} {{ id }} }} }}",
                kind.to_lowercase()
            );
            make(&put, &field, json!({ "i": id, "t": tag })).await;
        }
    }
    all
}

pub struct Ground<'a> {
    pub app: &'a TestApp,
    pub kinds: Vec<Kind>,
    pub owner: Person<'a>,
    pub reader: Person<'a>,
    pub records: BTreeMap<&'static str, Vec<String>>,
    /// All that there is, on every edge: kind, edge, record, what it leads to.
    pub edges: BTreeMap<(&'static str, String), BTreeMap<String, Ids>>,
}

/// How far a person reads of each kind.
pub type Reach = BTreeMap<&'static str, Option<&'static str>>;

pub fn uuid(id: &str) -> String {
    kontor::ids::RawId::parse(id).unwrap().uuid.to_string()
}

impl Ground<'_> {
    /// Everything gets another owner and territory, and the reader other grants.
    pub async fn shake(&self, dice: &mut Dice, people: &[String], territories: &[String]) -> Reach {
        for kind in &self.kinds {
            for id in &self.records[kind.name] {
                let id = uuid(id);
                let mut set = format!("owner_id = {}", dice.of(people));
                if kind.name != "Activity" {
                    write!(set, ", territory_id = {}", dice.of(territories)).unwrap();
                }
                self.app
                    .sql(&format!("UPDATE kontor.{} SET {set} WHERE id = '{id}'", kind.table))
                    .await;
            }
        }
        let (tenant, user) = (self.reader.tenant().0, self.reader.user().0);
        let role = new_uuid(&self.app.clock);
        let mut dress = format!(
            "DELETE FROM kontor.membership_roles WHERE user_id = '{user}'; \
             UPDATE kontor.memberships SET roles = ARRAY['CUSTOMER'] WHERE user_id = '{user}' AND tenant_id = '{tenant}'; \
             INSERT INTO kontor.roles (tenant_id, id, name) VALUES ('{tenant}', '{role}', '{role}'); \
             INSERT INTO kontor.membership_roles VALUES ('{tenant}', gen_random_uuid(), '{user}', '{role}')"
        );
        let mut reach = Reach::new();
        let mut grants = vec![("change:read".to_owned(), "ALL"), ("tag:read".to_owned(), "ALL")];
        for kind in &self.kinds {
            let scope =
                *dice.of(&[None, Some("OWN"), Some("TEAM"), Some("TERRITORY"), Some("ALL")]);
            reach.insert(kind.name, scope);
            grants.extend(scope.map(|scope| (kind.permission.clone(), scope)));
        }
        for (permission, scope) in grants {
            write!(dress, "; INSERT INTO kontor.role_grants VALUES ('{tenant}', gen_random_uuid(), '{role}', '{permission}', '{scope}')").unwrap();
        }
        self.app.sql(&dress).await;
        // What was remembered of them is forgotten after a second.
        self.app.clock.advance(Duration::from_secs(2));
        reach
    }

    /// What the reader sees, asked of the database in the simplest way.
    pub async fn expected(
        &self,
        kind: &Kind,
        reach: Option<&str>,
        team: &str,
        territories: &str,
    ) -> Ids {
        let user = self.reader.user().0;
        let within = |table: &str| {
            let own = format!("{table}.owner_id = '{user}'");
            match reach {
                None => "FALSE".to_owned(),
                Some("ALL") => "TRUE".to_owned(),
                Some("OWN") => own,
                Some("TERRITORY") if table != "activities" => {
                    format!(
                        "({own} OR {table}.owner_id = {team} OR {table}.territory_id IN ({territories}))"
                    )
                }
                Some(_) => format!("({own} OR {table}.owner_id = {team})"),
            }
        };
        let mut whose = within(kind.table);
        if kind.name == "Activity" {
            for (table, key) in [
                ("companies", "company_id"),
                ("contacts", "contact_id"),
                ("deals", "deal_id"),
                ("leads", "lead_id"),
            ] {
                write!(whose, " OR EXISTS (SELECT FROM kontor.{table} WHERE {table}.id = activities.{key} AND {})", within(table)).unwrap();
            }
        }
        let seen = format!(
            "SELECT id FROM kontor.{} WHERE deleted_at IS NULL AND tenant_id = '{}' AND ({whose})",
            kind.table,
            self.reader.tenant().0
        );
        let seen: Ids = self.app.sql(&seen).await.into_iter().collect();
        self.records[kind.name].iter().filter(|id| seen.contains(&uuid(id))).cloned().collect()
    }
}
