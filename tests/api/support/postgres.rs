//! One server for the whole run, started below `target` and gone with the test process.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use kontor::{
    accounts::Passwords,
    clock::Clock,
    commands::seed_people,
    db::{Durability, Embedded, Migrator, Settings},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use tokio_postgres::{NoTls, SimpleQueryMessage};

static SERVER: OnceCell<(Embedded, String)> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Settings for a new database, with the schema and the demo in it.
pub async fn database() -> Settings {
    let (server, template) = server().await;
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let copy = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
    ask(&server.url_of("postgres"), &copy).await;
    Settings { pool_size: 8, ..Settings::new(server.url_of(&name)) }
}

/// Settings for a new database with nothing in it.
pub async fn empty_database() -> Settings {
    let (server, _) = server().await;
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    ask(&server.url_of("postgres"), &format!("CREATE DATABASE {name}")).await;
    Settings { pool_size: 8, ..Settings::new(server.url_of(&name)) }
}

async fn server() -> &'static (Embedded, String) {
    SERVER.get_or_init(start).await
}

async fn start() -> (Embedded, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres");
    let bin = std::env::var_os("KONTOR_PG_BIN");
    let bin = bin.as_ref().map(Path::new);
    let server = Embedded::start(&folder, bin, Durability::None, &|_| {}).await.unwrap();
    let admin = server.url_of("postgres");
    let template = format!("template_{:016x}", fingerprint());
    let databases = ask(&admin, "SELECT datname FROM pg_database").await;
    for old in databases.iter().filter(|name| {
        let test = name.starts_with('t') && name[1..].bytes().all(|b| b.is_ascii_digit());
        test || name.starts_with("template_") && **name != template
    }) {
        ask(&admin, &format!("DROP DATABASE {old} WITH (FORCE)")).await;
    }
    if !databases.contains(&template) {
        ask(&admin, "DROP DATABASE IF EXISTS making WITH (FORCE)").await;
        ask(&admin, "CREATE DATABASE making").await;
        let settings = Settings::new(server.url_of("making"));
        let clock = Clock::system();
        Migrator::open(&settings).await.unwrap().up(&clock).await.unwrap();
        seed_people(&settings, &clock, &Passwords::new(4)).await.unwrap();
        // The pool of the seed closes its connections a moment later.
        let rename = format!("ALTER DATABASE making RENAME TO {template}");
        while try_ask(&admin, &rename).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    (server, template)
}

/// Changes with the migrations and the demo.
fn fingerprint() -> u64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut hasher = DefaultHasher::new();
    let mut files: Vec<_> = std::fs::read_dir(root.join("migrations"))
        .unwrap()
        .flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.extend(["src/db/migrate.rs", "src/commands/seed/demo.rs"].map(|file| root.join(file)));
    files.sort();
    for file in files {
        std::fs::read(file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

/// The first column of what a statement gives.
pub async fn ask(url: &SecretString, statement: &str) -> Vec<String> {
    try_ask(url, statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"))
}

pub async fn try_ask(url: &SecretString, statement: &str) -> Result<Vec<String>, String> {
    let told = |error: tokio_postgres::Error| {
        error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
    };
    let connected = tokio_postgres::connect(url.expose_secret(), NoTls).await;
    let (client, driver) = connected.map_err(told)?;
    let driving = tokio::spawn(driver);
    let answers = client.simple_query(statement).await.map_err(told)?;
    drop(client);
    let _ = driving.await;
    Ok(answers
        .into_iter()
        .filter_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        })
        .collect())
}
