//! The rows, and what is asked of them. With KONTOR_BENCH_ROWS pointing at a folder of SQL files
//! (01_schema.sql, 02_data.sql) its accounts become our companies; without, rows of the same
//! number and shape are made here.

use std::path::Path;

use kontor::{
    accounts::{Bearer, SessionId, Token, UserId},
    clock::Clock,
    db::{Db, Durability, Embedded, Migrator, Settings},
    ids::RawId,
    keys::{Keys, Ring},
    tenants::TenantId,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{Question, client::Connection, measure::cpu_of};

const SECRET: &str = "a secret for measurements, 32 characters or more";
const MADE: &str = "
INSERT INTO tenants SELECT i, 'tenant-' || i, 'Tenant ' || i FROM generate_series(1, 10) i;
INSERT INTO people SELECT i, 1 + (i - 1) % 10, 'Person ' || i, 'user' || i || '@example.test' FROM generate_series(1, 200) i;
INSERT INTO accounts SELECT i, 1 + (i - 1) % 10, 1 + (i - 1) % 10 + 10 * ((i / 10) % 20),
  (ARRAY['Amber', 'Beacon', 'Cedar', 'Delta', 'Ember', 'Falcon', 'Granite', 'Harbor'])[1 + (i % 10007 * 7919) % 8] || ' ' ||
  (ARRAY['Foods', 'Labs', 'Motors', 'Power', 'Steel', 'Tools', 'Toys'])[1 + (i % 10007 * 104729) % 7] || ' ' || i / 10,
  'c' || i || '.example.test',
  (ARRAY['software', 'manufacturing', 'retail', 'healthcare', 'finance', 'logistics', 'energy', 'education', 'media', 'construction'])[1 + (i * 31) % 10],
  (ARRAY['Berlin', 'Paris', 'Madrid', 'Rome'])[1 + i % 4], (ARRAY['DE', 'FR', 'ES', 'IT'])[1 + i % 4], 10000 + i * 17.5
FROM generate_series(1, 50000) i;";
const TAKEN: &str = "
INSERT INTO tenants SELECT id, slug, name FROM crm_bench.tenant;
INSERT INTO people SELECT id, tenant_id, full_name, email FROM crm_bench.app_user;
INSERT INTO accounts SELECT id, tenant_id, owner_id, name, domain, industry, city, country, annual_revenue FROM crm_bench.account;";
const COPY: &str = "
SET session_replication_role = replica;
INSERT INTO kontor.tenants SELECT md5('tenant' || id)::uuid, slug, name, 'EUR', 'Europe/Berlin', now() FROM tenants;
INSERT INTO kontor.users (id, email, name, password_hash, created_at) SELECT md5('user' || id)::uuid, email, name, '-', now() FROM people;
INSERT INTO kontor.memberships (tenant_id, user_id, roles, created_at) SELECT md5('tenant' || tenant)::uuid, md5('user' || id)::uuid, ARRAY['MANAGER'], now() FROM people;
INSERT INTO kontor.companies (tenant_id, id, name, domain, industry, city, country, annual_revenue, annual_revenue_currency, owner_id, version, created_at, updated_at)
  SELECT md5('tenant' || tenant)::uuid, md5('company' || id)::uuid, name, domain, industry, city, country, revenue, 'EUR',
         md5('user' || owner)::uuid, 1, now() - id * interval '1 second', now() - id * interval '1 second' FROM accounts;
SET session_replication_role = origin;
VACUUM ANALYZE;";

pub struct Bench {
    postgres: Embedded,
    folder: std::path::PathBuf,
    pub rows: String,
}

impl Bench {
    pub async fn prepare(folder: &Path) -> Self {
        let tell = |text: &str| println!("{text}");
        let postgres = Embedded::start(folder, None, Durability::Full, &tell).await.unwrap();
        let client = connect(postgres.url_of("postgres").expose_secret()).await;
        client.batch_execute("DROP DATABASE IF EXISTS bench WITH (FORCE)").await.unwrap();
        client.batch_execute("CREATE DATABASE bench").await.unwrap();
        let mut bench = Self { postgres, folder: folder.to_owned(), rows: String::new() };
        let settings = Settings::new(bench.url().into());
        Migrator::open(&settings).await.unwrap().up(&Clock::system()).await.unwrap();
        let client = connect(&bench.url()).await;
        let tables = "CREATE TEMP TABLE tenants (id int, slug text, name text); \
            CREATE TEMP TABLE people (id int, tenant int, name text, email text); \
            CREATE TEMP TABLE accounts (id int, tenant int, owner int, name text, domain text, industry text, city text, country text, revenue numeric);";
        client.batch_execute(tables).await.unwrap();
        let fill = match std::env::var_os("KONTOR_BENCH_ROWS") {
            Some(rows) => {
                for file in ["01_schema.sql", "02_data.sql"] {
                    let sql = std::fs::read_to_string(Path::new(&rows).join(file)).unwrap();
                    client.batch_execute(&sql).await.unwrap();
                }
                client.batch_execute("RESET search_path").await.unwrap();
                format!("SET search_path = pg_temp, public; {TAKEN}")
            }
            None => MADE.to_owned(),
        };
        client.batch_execute(&fill).await.unwrap();
        for statement in COPY.split(';') {
            client.batch_execute(statement).await.unwrap();
        }
        let count =
            client.query_one("SELECT count(*)::text FROM kontor.companies", &[]).await.unwrap();
        bench.rows = format!("{} companies of 10 tenants", count.get::<_, String>(0));
        bench
    }

    pub fn url(&self) -> String {
        self.postgres.url_of("bench").expose_secret().to_owned()
    }

    pub fn server_arguments(&self) -> Vec<&'static str> {
        let url: &'static str = self.url().leak();
        vec![
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--secret",
            SECRET,
            "--database-url",
            url,
            "--log",
            "info",
            // What is measured is not how much one caller may ask.
            "--limit-points",
            "4000000000",
            "--limit-restored",
            "1000000",
        ]
    }

    pub fn postgres_cpu(&self) -> f64 {
        let file = std::fs::read_to_string(self.folder.join("postgres/postmaster.pid")).unwrap();
        cpu_of(file.lines().next().unwrap().trim().parse().unwrap(), true)
    }

    /// Sixty-four parameter sets of each question.
    pub async fn questions(&self, ours: &str, bare: &str) -> Vec<Question> {
        let client = connect(&self.url()).await;
        let sample = "SELECT c.tenant_id, c.owner_id, c.id, c.industry FROM kontor.companies c ORDER BY md5(c.id::text) LIMIT 64";
        let rows = client.query(sample, &[]).await.unwrap();
        let settings = Settings::new(self.url().into());
        let (keys, clock) = (Keys::new(&SECRET.into(), None), Clock::system());
        let ring = keys.ring(&Db::new(&settings).unwrap(), &clock).await.unwrap();
        let mut connection = Connection::open(ours).await;
        let mut questions: [Question; 3] = ["viewer", "W1: a company by id", "W2: a page of 50"]
            .map(|name| Question { name, ours: Vec::new(), bare: Vec::new() });
        for row in rows {
            let (tenant, user, id): (Uuid, Uuid, Uuid) = (row.get(0), row.get(1), row.get(2));
            let industry: String = row.get(3);
            let token = token(&client, &ring, tenant, user).await;
            let ask = |query: &str, variables: Value| post(&token, query, &variables);
            questions[0].ours.push(ask("{ viewer { user { email } } }", json!({})));
            questions[0].bare.push(get(&format!("/user/{tenant}/{user}")));
            let company = kontor::companies::CompanyId(id).to_string();
            let by_id = "query W1($id: ID!) { company(id: $id) { id name industry city annualRevenue { amount currency } } }";
            questions[1].ours.push(ask(by_id, json!({ "id": company })));
            questions[1].bare.push(get(&format!("/company/{tenant}/{id}")));
            // A cursor near the middle of the list, where the server itself says.
            let which = json!({ "industry": { "eq": industry } });
            let first = ask(
                "query($w: CompanyWhere) { companies(first: 100, where: $w) { pageInfo { endCursor } edges { node { id name } } } }",
                json!({ "w": which }),
            );
            let answer: Value = serde_json::from_str(connection.ask(&first).await).unwrap();
            let list = &answer["data"]["companies"];
            let last = list["edges"].as_array().unwrap().last().unwrap()["node"].clone();
            let page = "query W2($w: CompanyWhere, $after: String) { companies(first: 50, after: $after, where: $w) { nodes { id name industry city annualRevenue { amount currency } } pageInfo { hasNextPage } } }";
            questions[2]
                .ours
                .push(ask(page, json!({ "w": which, "after": list["pageInfo"]["endCursor"] })));
            let place = RawId::parse(last["id"].as_str().unwrap()).unwrap().uuid;
            let place_name = last["name"].as_str().unwrap().to_lowercase().replace(' ', "%20");
            questions[2].bare.push(get(&format!("/page/{tenant}/{industry}/{place_name}/{place}")));
        }
        self.same_answers(&questions, ours, bare).await;
        questions.into()
    }

    /// Both give the same rows, or the comparison is none.
    async fn same_answers(&self, questions: &[Question], ours: &str, bare: &str) {
        let (mut ours, mut bare) = (Connection::open(ours).await, Connection::open(bare).await);
        for question in questions {
            for (a, b) in question.ours.iter().zip(&question.bare) {
                let names = |answer: &str| {
                    answer.matches("\"name\"").count() + answer.matches("\"email\"").count()
                };
                let (a, b) = (names(ours.ask(a).await), names(bare.ask(b).await));
                assert!(a == b && a > 0, "{}: {a} rows and {b} rows", question.name);
            }
        }
    }

    pub async fn stop(self) {
        self.postgres.stop().await.unwrap();
    }
}

async fn connect(url: &str) -> Client {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}

/// A session for each of them, as after a sign-in.
async fn token(client: &Client, ring: &Ring, tenant: Uuid, user: Uuid) -> String {
    let clock = Clock::system();
    let session = SessionId::new(&clock);
    let insert = "INSERT INTO kontor.sessions (tenant_id, id, user_id, created_at, last_used_at, expires_at) \
        VALUES ($1, $2, $3, now(), now(), now() + interval '1 day')";
    client.execute(insert, &[&tenant, &session.0, &user]).await.unwrap();
    let bearer = Bearer { user: UserId(user), tenant: TenantId(tenant), session };
    Token::issue(ring, &clock, bearer).unwrap().text
}

fn post(token: &str, query: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}
