//! Roles, migrations, and what must be true of the schema before the server serves.

use diesel::{
    QueryableByName,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_types::Text,
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Settings, connect::Connector};
use crate::{
    clock::Clock,
    error::{Error, Result},
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
/// Roles belong to the whole cluster: two migrations at once take turns.
const LOCK: i64 = 0x6b6f_6e74_6f72;
/// The audit log's months that are made ahead.
const AUDIT_MONTHS: u32 = 13;

/// Which migrations a database has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationState {
    pub applied: Vec<String>,
    pub pending: Vec<String>,
    /// Applied, but unknown to this program: the database is newer.
    pub unknown: Vec<String>,
}

impl MigrationState {
    pub fn is_current(&self) -> bool {
        self.pending.is_empty() && self.unknown.is_empty()
    }

    pub(super) fn of(applied: Vec<String>) -> Result<Self> {
        let known: Vec<String> = versions()?;
        let missing = |of: &[String], from: &[String]| -> Vec<String> {
            of.iter().filter(|version| !from.contains(version)).cloned().collect()
        };
        let (pending, unknown) = (missing(&known, &applied), missing(&applied, &known));
        Ok(Self { applied, pending, unknown })
    }

    /// One sentence for the operator, if something is to be done.
    pub fn complaint(&self) -> Option<String> {
        if !self.unknown.is_empty() {
            let newest = self.unknown.last().map_or("", String::as_str);
            return Some(format!(
                "The database is newer than this program (migration {newest} is unknown to it). \
                 Use the newer program."
            ));
        }
        match self.pending.len() {
            0 => None,
            1 => Some("One migration is missing. Run `kontor migrate up`.".into()),
            n => Some(format!("{n} migrations are missing. Run `kontor migrate up`.")),
        }
    }
}

fn versions() -> Result<Vec<String>> {
    let migrations: Vec<Box<dyn Migration<Pg>>> =
        MIGRATIONS.migrations().map_err(Error::internal)?;
    let mut versions: Vec<_> = migrations.iter().map(|m| m.name().version().to_string()).collect();
    versions.sort();
    Ok(versions)
}

/// The owner's connection: prepares roles and schema, then migrates as `kontor_owner`.
pub struct Migrator(AsyncPgConnection);

impl Migrator {
    /// Connects, makes the roles and the schema where they are missing, and becomes the owner.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let connector = Connector::new(settings, &settings.owner_url)?;
        let opened = connector.open().await;
        let mut conn = opened.map_err(|error| Error::Unavailable(Box::new(error)))?.conn;
        let prepare = format!("SELECT pg_advisory_lock({LOCK}); {ROLES} {SCHEMA}");
        conn.batch_execute(&prepare).await.map_err(|error| {
            Error::internal(format!(
                "The database's roles cannot be prepared: {error}. Run `kontor migrate up` once with \
                 DATABASE_OWNER_URL set to a superuser's URL."
            ))
        })?;
        conn.batch_execute("SET ROLE kontor_owner; SET search_path = kontor").await?;
        Ok(Self(conn))
    }

    /// Applies what is pending; gives its names.
    pub async fn up(self, clock: &Clock) -> Result<Vec<String>> {
        let mut harness = AsyncMigrationHarness::new(self.0);
        let done = harness.run_pending_migrations(MIGRATIONS).map_err(broken)?;
        let done = done.iter().map(ToString::to_string).collect();
        let mut conn = harness.into_inner();
        let today = clock.now().0.date_naive();
        let after = format!(
            "GRANT SELECT ON kontor.__diesel_schema_migrations TO kontor_app, kontor_worker; \
             SELECT kontor.audit_months('{today}', {AUDIT_MONTHS}); RESET ROLE; {LEAKPROOF}"
        );
        conn.batch_execute(&after).await?;
        Ok(done)
    }

    /// Takes the newest migration back; gives its name.
    pub async fn down(self) -> Result<Option<String>> {
        let mut harness = AsyncMigrationHarness::new(self.0);
        if harness.applied_migrations().map_err(broken)?.is_empty() {
            return Ok(None);
        }
        let version = harness.revert_last_migration(MIGRATIONS).map_err(broken)?;
        Ok(Some(version.to_string()))
    }
}

fn broken(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::internal(format!("A migration failed, and nothing of it remains: {error}"))
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The state as a request's role sees it; a database without our schema has nothing applied.
pub(super) async fn state_of(mut conn: &AsyncPgConnection) -> Result<MigrationState> {
    let query = "SELECT version FROM kontor.__diesel_schema_migrations ORDER BY version";
    let rows: Result<Vec<Applied>, _> = diesel::sql_query(query).load(&mut conn).await;
    match rows {
        Ok(rows) => MigrationState::of(rows.into_iter().map(|row| row.version).collect()),
        Err(diesel::result::Error::DatabaseError(_, info))
            if info.message().contains("does not exist") =>
        {
            MigrationState::of(Vec::new())
        }
        Err(error) => Err(error.into()),
    }
}

const ROLES: &str = "
DO $$
DECLARE
  role text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kontor_owner') THEN
    CREATE ROLE kontor_owner LOGIN BYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kontor_app') THEN
    CREATE ROLE kontor_app LOGIN NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kontor_worker') THEN
    CREATE ROLE kontor_worker LOGIN BYPASSRLS;
  END IF;
  FOREACH role IN ARRAY ARRAY['kontor_owner', 'kontor_app', 'kontor_worker'] LOOP
    IF current_user <> role AND NOT pg_has_role(current_user, role, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', role);
    END IF;
  END LOOP;
END $$;";

/// Where row level security is, the planner asks no index, and no statistics, about a comparison that
/// is not said to keep to itself what it compares: a fragment of a name, or a name that is alike, would be
/// looked for in all of a tenant's rows. LIKE keeps to itself, but for a pattern that ends with a single
/// backslash, which `db/filter.rs` never makes; so does `%`. Only a superuser may say so; without, what
/// they find is right and slow.
const LEAKPROOF: &str = "
DO $$
DECLARE
  one regprocedure;
BEGIN
  FOREACH one IN ARRAY '{\"pg_catalog.textlike(text, text)\",\"kontor.similarity_op(text, text)\"}'::regprocedure[] LOOP
    IF NOT (SELECT proleakproof FROM pg_proc WHERE oid = one) THEN
      EXECUTE format('ALTER FUNCTION %s LEAKPROOF', one);
    END IF;
  END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
  NULL;
END $$;";

const SCHEMA: &str = "
DO $$
BEGIN
  IF NOT has_database_privilege('kontor_owner', current_database(), 'CREATE') THEN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO kontor_owner', current_database());
  END IF;
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'kontor') THEN
    CREATE SCHEMA kontor AUTHORIZATION kontor_owner;
  END IF;
END $$;";
