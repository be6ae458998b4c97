//! What `kontor doctor`, `/readyz` and the start of the server want to know of the database.

use diesel::{
    QueryableByName,
    sql_types::{Bool, Double, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Db, MigrationState, Settings, connect::Connector, migrate::state_of};
use crate::error::{Error, Result};

/// The login behind a URL, and its server.
#[derive(Debug, QueryableByName)]
pub struct Inspection {
    #[diesel(sql_type = Text)]
    pub version: String,
    #[diesel(sql_type = Text)]
    pub login: String,
    /// The login itself, or a role it may become, passes row level security by.
    #[diesel(sql_type = Bool)]
    pub bypasses_rls: bool,
    #[diesel(sql_type = Bool)]
    pub can_be_app: bool,
    #[diesel(sql_type = Text)]
    pub extensions: String,
    /// Seconds since 1970 by the server's clock.
    #[diesel(sql_type = Double)]
    pub server_time: f64,
}

const QUERY: &str = "
SELECT current_setting('server_version') AS version, session_user::text AS login,
  EXISTS (SELECT FROM pg_roles r WHERE (r.rolsuper OR r.rolbypassrls)
          AND pg_has_role(session_user, r.oid, 'MEMBER')) AS bypasses_rls,
  EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'kontor_app'
          AND pg_has_role(session_user, r.oid, 'MEMBER')) AS can_be_app,
  (SELECT coalesce(string_agg(name, ', ' ORDER BY name), '') FROM pg_available_extensions
   WHERE name IN ('pg_trgm', 'btree_gin')) AS extensions,
  extract(epoch FROM clock_timestamp())::float8 AS server_time";

/// Asks the server behind the URL that requests use, as its own login.
pub async fn inspect(settings: &Settings) -> Result<(Inspection, MigrationState)> {
    let connector = Connector::new(settings, &settings.url)?;
    let opened = connector.open().await.map_err(|error| Error::Unavailable(Box::new(error)))?;
    let mut conn: &AsyncPgConnection = &opened.conn;
    let inspection = diesel::sql_query(QUERY).get_result(&mut conn).await?;
    let state = match inspection {
        Inspection { can_be_app: true, .. } => state_of(conn).await?,
        _ => MigrationState::of(Vec::new())?,
    };
    Ok((inspection, state))
}

impl Db {
    /// Is the database there, and has it the schema that this program expects?
    pub async fn migration_state(&self) -> Result<MigrationState> {
        let conn = self.system().await?;
        let state = state_of(conn.pg()).await?;
        conn.release();
        Ok(state)
    }
}
