//! The floor: axum and the same SQL, nothing else.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde_json::{Map, Value, json};
use tokio_postgres::{
    Client, NoTls, Row, Statement,
    types::{FromSql, ToSql, Type},
};
use uuid::Uuid;

const USER: &str = "SELECT u.email FROM kontor.users u JOIN kontor.memberships m ON m.user_id = u.id \
    WHERE m.tenant_id = $1 AND u.id = $2";
const COMPANY: &str = "SELECT id, name, industry, city, annual_revenue::text AS revenue FROM kontor.companies \
    WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL";
const PAGE: &str = "SELECT id, name, industry, city, country, employees, annual_revenue::text AS revenue, updated_at::text FROM kontor.companies \
    WHERE tenant_id = $1 AND deleted_at IS NULL AND industry = $2 AND (name_key, id) > ($3, $4) ORDER BY name_key, id LIMIT 51";
const NESTED: &str = "SELECT c.id, c.name, c.city, u.id, u.name FROM kontor.companies c JOIN kontor.users u ON u.id = c.owner_id \
    WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND c.territory_id = $2 AND (c.name_key, c.id) > ($3, $4) ORDER BY c.name_key, c.id LIMIT 20";
const CONTACTS: &str = "SELECT p.company_id, p.id, p.first_name, p.last_name, p.email, p.title FROM unnest($2::uuid[]) AS company (id) \
    CROSS JOIN LATERAL (SELECT * FROM kontor.contacts WHERE tenant_id = $1 AND company_id = company.id AND deleted_at IS NULL ORDER BY name_key, id LIMIT 5) AS p";
const DEALS: &str = "SELECT d.company_id, d.id, d.name, d.forecast, d.amount::text, d.expected_close_on::text FROM unnest($2::uuid[]) AS company (id) \
    CROSS JOIN LATERAL (SELECT * FROM kontor.deals WHERE tenant_id = $1 AND company_id = company.id AND stage_kind = 'OPEN' AND deleted_at IS NULL ORDER BY close_key, id LIMIT 3) AS d";
const CREATE: &str = "WITH made AS (INSERT INTO kontor.contacts (tenant_id, id, first_name, last_name, email, title, company_id, version, created_at, updated_at) \
    VALUES ($1, kontor.uuid_v7(now()), 'Bench', 'Contact', $3, 'Buyer', $2, 1, now(), now()) RETURNING id, first_name, last_name, email) \
    SELECT m.id, m.first_name, m.last_name, m.email, c.id AS company, c.name FROM made m JOIN kontor.companies c ON c.tenant_id = $1 AND c.id = $2";
const FRAGMENT: &str = "SELECT id, name, city, industry FROM kontor.companies \
    WHERE tenant_id = $1 AND deleted_at IS NULL AND name_key LIKE '%' || $2 || '%' ORDER BY name_key, id LIMIT 20";
const DEEP: &str = "SELECT id, kind, subject, due_at::text, done_at::text FROM kontor.activities \
    WHERE tenant_id = $1 AND deleted_at IS NULL AND (at, id) < ($2::text::timestamptz, $3) ORDER BY at DESC, id DESC LIMIT 51";

const STATEMENTS: [&str; 9] =
    [USER, COMPANY, PAGE, NESTED, CONTACTS, DEALS, CREATE, FRAGMENT, DEEP];

struct Connection {
    client: Client,
    /// By their text.
    statements: Vec<(&'static str, Statement)>,
}

impl Connection {
    async fn ask(&self, text: &str, bound: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        let (_, statement) = self.statements.iter().find(|(known, _)| *known == text).unwrap();
        self.client.query(statement, bound).await.unwrap()
    }
}

#[derive(Clone)]
struct Pool(Arc<(Vec<Connection>, AtomicUsize)>);

impl Pool {
    fn next(&self) -> &Connection {
        let (connections, turn) = &*self.0;
        &connections[turn.fetch_add(1, Relaxed) % connections.len()]
    }
}

pub async fn serve(url: &str) {
    let mut connections = Vec::new();
    for _ in 0..16 {
        let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(driver);
        let mut statements = Vec::new();
        for text in STATEMENTS {
            statements.push((text, client.prepare(text).await.unwrap()));
        }
        connections.push(Connection { client, statements });
    }
    let router = Router::new()
        .route("/user/{tenant}/{id}", get(user))
        .route("/company/{tenant}/{id}", get(company))
        .route("/page/{tenant}/{industry}/{name}/{id}", get(page))
        .route("/nested/{tenant}/{territory}/{name}/{id}", get(nested))
        .route("/create/{tenant}/{company}/{email}", get(create))
        .route("/fragment/{tenant}/{text}", get(fragment))
        .route("/deep/{tenant}/{at}/{id}", get(deep))
        .with_state(Pool(Arc::new((connections, AtomicUsize::new(0)))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on {}/", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

type Asked<T> = (State<Pool>, Path<T>);

async fn user((State(pool), Path((tenant, id))): Asked<(Uuid, Uuid)>) -> Json<Value> {
    Json(object(&pool.next().ask(USER, &[&tenant, &id]).await[0], 0))
}

async fn company((State(pool), Path((tenant, id))): Asked<(Uuid, Uuid)>) -> Json<Value> {
    Json(object(&pool.next().ask(COMPANY, &[&tenant, &id]).await[0], 0))
}

async fn page(
    (State(pool), Path((tenant, industry, name, id))): Asked<(Uuid, String, String, Uuid)>,
) -> Json<Value> {
    let rows = pool.next().ask(PAGE, &[&tenant, &industry, &name, &id]).await;
    Json(json!({ "nodes": objects(&rows, 50), "hasNextPage": rows.len() > 50 }))
}

async fn nested(
    (State(pool), Path((tenant, territory, name, id))): Asked<(Uuid, Uuid, String, Uuid)>,
) -> Json<Value> {
    let conn = pool.next();
    let companies = conn.ask(NESTED, &[&tenant, &territory, &name, &id]).await;
    let ids: Vec<Uuid> = companies.iter().map(|row| row.get(0)).collect();
    let bound: [&(dyn ToSql + Sync); 2] = [&tenant, &ids];
    let (contacts, deals) =
        futures_util::join!(conn.ask(CONTACTS, &bound), conn.ask(DEALS, &bound));
    let of = |rows: &[Row], id: Uuid| -> Vec<Value> {
        rows.iter().filter(|row| row.get::<_, Uuid>(0) == id).map(|row| object(row, 1)).collect()
    };
    let company = |row: &Row| {
        let id: Uuid = row.get(0);
        json!({
            "id": id.to_string(), "name": row.get::<_, &str>(1), "city": row.get::<_, &str>(2),
            "owner": { "id": row.get::<_, Uuid>(3).to_string(), "name": row.get::<_, &str>(4) },
            "contacts": of(&contacts, id), "deals": of(&deals, id),
        })
    };
    Json(companies.iter().map(company).collect())
}

async fn create(
    (State(pool), Path((tenant, company, email))): Asked<(Uuid, Uuid, String)>,
) -> Json<Value> {
    Json(object(&pool.next().ask(CREATE, &[&tenant, &company, &email]).await[0], 0))
}

async fn fragment((State(pool), Path((tenant, text))): Asked<(Uuid, String)>) -> Json<Value> {
    Json(objects(&pool.next().ask(FRAGMENT, &[&tenant, &text]).await, 20))
}

async fn deep((State(pool), Path((tenant, at, id))): Asked<(Uuid, String, Uuid)>) -> Json<Value> {
    Json(objects(&pool.next().ask(DEEP, &[&tenant, &at, &id]).await, 50))
}

fn objects(rows: &[Row], most: usize) -> Value {
    rows.iter().take(most).map(|row| object(row, 0)).collect()
}

/// A row's columns from one on, by name.
fn object(row: &Row, from: usize) -> Value {
    let mut object = Map::new();
    for (at, column) in row.columns().iter().enumerate().skip(from) {
        let value = match *column.type_() {
            Type::UUID => get_as(row, at, |id: Uuid| id.to_string().into()),
            Type::INT4 => get_as(row, at, |number: i32| number.into()),
            _ => get_as(row, at, |text: &str| text.into()),
        };
        object.insert(column.name().to_owned(), value);
    }
    object.into()
}

fn get_as<'a, T: FromSql<'a>>(row: &'a Row, at: usize, to: impl Fn(T) -> Value) -> Value {
    row.get::<_, Option<T>>(at).map_or(Value::Null, to)
}
