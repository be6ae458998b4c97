use diesel::{
    prelude::*,
    sql_types::{Integer, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    clock::Clock,
    db::{Outcome, TenantConn, expect_version},
    error::{Problem, Result},
    ids::new_uuid,
    schema::lead_settings,
};

/// How soon a lead is answered, where the tenant does not say.
const HOURS: i32 = 24;

/// How a tenant wants its leads handled.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = lead_settings)]
pub struct Settings {
    pub respond_within_hours: i32,
    pub minimum_score: Option<i32>,
    pub version: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { respond_within_hours: HOURS, minimum_score: None, version: 0 }
    }
}

#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = lead_settings)]
pub struct SettingsChanges {
    pub respond_within_hours: Option<i32>,
    pub minimum_score: Option<Option<i32>>,
}

/// There is one for each tenant, whatever its id.
const OF_THE_TENANT: (&str, Uuid) = ("lead_settings", Uuid::nil());

const FIRST: &str = "
INSERT INTO kontor.lead_settings (tenant_id, id, respond_within_hours, version, created_at, updated_at)
VALUES ($1, $2, $3, 1, $4, $4) ON CONFLICT (tenant_id) DO NOTHING";

impl Settings {
    /// Without any: as is usual.
    pub async fn find(mut conn: &TenantConn) -> Result<Self> {
        let found =
            Self::query().filter(lead_settings::tenant_id.eq(conn.tenant())).first(&mut conn).await;
        Ok(found.optional()?.unwrap_or_default())
    }

    /// Locked for a change; there are some from then on.
    pub async fn lock(
        mut conn: &TenantConn,
        clock: &Clock,
        expected_version: Option<i32>,
    ) -> Result<()> {
        let known = Self::find(conn).await?;
        expect_version(OF_THE_TENANT, expected_version, known.version)?;
        let made = diesel::sql_query(FIRST)
            .bind::<SqlUuid, _>(conn.tenant())
            .bind::<SqlUuid, _>(new_uuid(clock))
            .bind::<Integer, _>(HOURS)
            .bind::<Timestamptz, _>(clock.now())
            .execute(&mut conn)
            .await?;
        let found: Self = Self::query()
            .filter(lead_settings::tenant_id.eq(conn.tenant()))
            .for_update()
            .first(&mut conn)
            .await?;
        match made {
            0 => expect_version(OF_THE_TENANT, expected_version, found.version),
            _ => Ok(()),
        }
    }

    pub async fn update(mut conn: &TenantConn, changes: SettingsChanges) -> Result<Self> {
        let changed = diesel::update(lead_settings::table)
            .filter(lead_settings::tenant_id.eq(conn.tenant()))
            .set(changes)
            .returning(Self::as_returning())
            .get_result(&mut conn)
            .await;
        match changed.optional_empty_changeset()? {
            Some(changed) => Ok(changed),
            None => Self::find(conn).await,
        }
    }
}

impl Outcome for Settings {
    fn ids(&self) -> Vec<Uuid> {
        Vec::new()
    }

    async fn recall(conn: &TenantConn, _: &[Uuid], _: Vec<Problem>) -> Result<Self> {
        Self::find(conn).await
    }
}
