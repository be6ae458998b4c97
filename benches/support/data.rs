//! The rows, and what is asked of them. With KONTOR_BENCH_ROWS pointing at a folder of SQL files
//! (01_schema.sql, 02_data.sql) its accounts become our companies; without, rows of the same
//! number and shape are made here.

use std::{path::Path, sync::Arc};

use kontor::{
    accounts::{Bearer, SessionId, Token, UserId},
    clock::Clock,
    db::{Db, Durability, Embedded, Migrator, Settings},
    keys::{Keys, Ring},
    tenants::TenantId,
};
use secrecy::ExposeSecret;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::process::cpu_of;

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
INSERT INTO kontor.users (id, email, name, password_hash, created_at) SELECT md5('admin' || md5('tenant' || id)::uuid)::uuid, 'admin' || id || '@example.test', 'Admin', '-', now() FROM tenants;
INSERT INTO kontor.memberships (tenant_id, user_id, roles, created_at) SELECT md5('tenant' || id)::uuid, md5('admin' || md5('tenant' || id)::uuid)::uuid, ARRAY['ADMIN'], now() FROM tenants;
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
            "--max-in-flight",
            "10000",
        ]
    }

    pub fn postgres_cpu(&self) -> f64 {
        let file = std::fs::read_to_string(self.folder.join("postgres/postmaster.pid")).unwrap();
        cpu_of(file.lines().next().unwrap().trim().parse().unwrap(), true)
    }

    pub async fn stop(self) {
        self.postgres.stop().await.unwrap();
    }
}

pub async fn connect(url: &str) -> Client {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}

/// Gives people tokens, as after a sign-in.
pub struct SignIn {
    pub client: Client,
    ring: Arc<Ring>,
}

impl SignIn {
    pub async fn to(bench: &Bench) -> Self {
        let settings = Settings::new(bench.url().into());
        let (keys, clock) = (Keys::new(&SECRET.into(), None), Clock::system());
        let ring = keys.ring(&Db::new(&settings).unwrap(), &clock).await.unwrap();
        Self { client: connect(&bench.url()).await, ring }
    }

    pub async fn token(&self, tenant: Uuid, user: Uuid) -> String {
        let clock = Clock::system();
        let session = SessionId::new(&clock);
        let insert = "INSERT INTO kontor.sessions (tenant_id, id, user_id, created_at, last_used_at, expires_at) \
            VALUES ($1, $2, $3, now(), now(), now() + interval '1 day')";
        self.client.execute(insert, &[&tenant, &session.0, &user]).await.unwrap();
        let bearer = Bearer { user: UserId(user), tenant: TenantId(tenant), session };
        Token::issue(&self.ring, &clock, bearer).unwrap().text
    }
}
