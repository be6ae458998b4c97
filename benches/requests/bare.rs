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
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

const USER: &str = "SELECT u.email FROM kontor.users u JOIN kontor.memberships m ON m.user_id = u.id \
    WHERE m.tenant_id = $1 AND u.id = $2";
const COMPANY: &str = "SELECT id, name, industry, city, annual_revenue::text, annual_revenue_currency FROM kontor.companies \
    WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL";
const PAGE: &str = "SELECT id, name, industry, city, annual_revenue::text, annual_revenue_currency FROM kontor.companies \
    WHERE tenant_id = $1 AND deleted_at IS NULL AND industry = $2 AND (name_key, id) > ($3, $4) ORDER BY name_key, id LIMIT 51";

struct Connection {
    client: Client,
    user: Statement,
    company: Statement,
    page: Statement,
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
        let user = client.prepare(USER).await.unwrap();
        let company = client.prepare(COMPANY).await.unwrap();
        let page = client.prepare(PAGE).await.unwrap();
        connections.push(Connection { client, user, company, page });
    }
    let router = Router::new()
        .route("/user/{tenant}/{id}", get(user))
        .route("/company/{tenant}/{id}", get(company))
        .route("/page/{tenant}/{industry}/{name}/{id}", get(page))
        .with_state(Pool(Arc::new((connections, AtomicUsize::new(0)))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on {}/", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

async fn user(State(pool): State<Pool>, Path((tenant, id)): Path<(Uuid, Uuid)>) -> Json<Value> {
    let conn = pool.next();
    let row = conn.client.query_one(&conn.user, &[&tenant, &id]).await.unwrap();
    Json(json!({ "email": row.get::<_, &str>(0) }))
}

async fn company(State(pool): State<Pool>, Path((tenant, id)): Path<(Uuid, Uuid)>) -> Json<Value> {
    let conn = pool.next();
    Json(as_json(&conn.client.query_one(&conn.company, &[&tenant, &id]).await.unwrap()))
}

async fn page(
    State(pool): State<Pool>,
    Path((tenant, industry, name, id)): Path<(Uuid, String, String, Uuid)>,
) -> Json<Value> {
    let conn = pool.next();
    let rows = conn.client.query(&conn.page, &[&tenant, &industry, &name, &id]).await.unwrap();
    Json(
        json!({ "nodes": rows.iter().take(50).map(as_json).collect::<Vec<_>>(), "hasNextPage": rows.len() > 50 }),
    )
}

fn as_json(row: &Row) -> Value {
    json!({
        "id": row.get::<_, Uuid>(0).to_string(),
        "name": row.get::<_, &str>(1),
        "industry": row.get::<_, Option<&str>>(2),
        "city": row.get::<_, Option<&str>>(3),
        "annualRevenue": { "amount": row.get::<_, Option<&str>>(4), "currency": row.get::<_, Option<&str>>(5) },
    })
}
