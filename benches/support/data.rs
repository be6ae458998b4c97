//! The rows: those of `kontor seed --scale large`, on a fixed day; and who asks.

use std::{path::Path, sync::Arc, time::Instant};

use kontor::{
    accounts::{Bearer, Passwords, SessionId, Token, UserId},
    clock::{Clock, Day},
    commands::{Seeding, seed_scale},
    config::Scale,
    db::{Db, Durability, Embedded, Migrator, Settings},
    keys::{Keys, Ring},
    tenants::TenantId,
};
use secrecy::ExposeSecret;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::process::cpu_of;

const SECRET: &str = "a secret for measurements, 32 characters or more";
/// The same rows in each run.
const DAY: &str = "2026-11-21";

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
        let (day, began) = (Day(DAY.parse().unwrap()), Instant::now());
        let large = Seeding { scale: Scale::Large, day, passwords: &Passwords::new(4) };
        seed_scale(&settings, large).await.unwrap();
        connect(&bench.url()).await.batch_execute("CHECKPOINT").await.unwrap();
        bench.rows = format!(
            "`kontor seed --scale large --day {DAY}`, made in {} s",
            began.elapsed().as_secs()
        );
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
