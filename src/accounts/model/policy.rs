use diesel::{
    prelude::*,
    sql_types::{Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;

use crate::{
    clock::Clock,
    db::{Outcome, TenantConn, expect_version},
    error::{Problem, Result},
    ids::new_uuid,
    schema::security_policies as policies,
};

/// What a tenant asks of its people besides a password.
#[derive(Clone, Debug, Default, HasQuery)]
#[diesel(table_name = policies)]
pub struct Policy {
    pub administrator_addresses: Vec<String>,
    pub step_up_permissions: Vec<String>,
    pub recorded_permissions: Vec<String>,
    pub version: i32,
}

#[derive(Debug, AsChangeset)]
#[diesel(table_name = policies)]
pub struct PolicyChanges {
    pub administrator_addresses: Option<Vec<String>>,
    pub step_up_permissions: Option<Vec<String>>,
    pub recorded_permissions: Option<Vec<String>>,
}

/// There is one for each tenant, whatever its id.
const OF_THE_TENANT: (&str, uuid::Uuid) = ("security_policies", uuid::Uuid::nil());

const FIRST: &str = "
INSERT INTO kontor.security_policies (tenant_id, id, version, created_at, updated_at)
VALUES ($1, $2, 1, $3, $3) ON CONFLICT (tenant_id) DO NOTHING";

impl Policy {
    /// Without one nothing is asked.
    pub async fn find(conn: &TenantConn) -> Result<Self> {
        let found =
            Self::query().filter(policies::tenant_id.eq(conn.tenant())).first(&mut &*conn).await;
        Ok(found.optional()?.unwrap_or_default())
    }

    /// For a change; there is one from then on.
    pub async fn lock(
        conn: &TenantConn,
        clock: &Clock,
        expected_version: Option<i32>,
    ) -> Result<Self> {
        let known = Self::find(conn).await?;
        expect_version(OF_THE_TENANT, expected_version, known.version)?;
        let made = diesel::sql_query(FIRST)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Uuid, _>(new_uuid(clock))
            .bind::<Timestamptz, _>(clock.now())
            .execute(&mut &*conn)
            .await?;
        let locked: Self = Self::query()
            .filter(policies::tenant_id.eq(conn.tenant()))
            .for_update()
            .first(&mut &*conn)
            .await?;
        if made == 0 {
            expect_version(OF_THE_TENANT, expected_version, locked.version)?;
        }
        Ok(locked)
    }

    pub async fn update(conn: &TenantConn, changes: PolicyChanges) -> Result<Self> {
        let updated = diesel::update(policies::table)
            .filter(policies::tenant_id.eq(conn.tenant()))
            .set(changes)
            .returning(Self::as_returning())
            .get_result(&mut &*conn)
            .await;
        match updated.optional_empty_changeset()? {
            Some(updated) => Ok(updated),
            None => Self::find(conn).await,
        }
    }
}

impl Outcome for Policy {
    fn ids(&self) -> Vec<uuid::Uuid> {
        Vec::new()
    }

    async fn recall(conn: &TenantConn, _: &[uuid::Uuid], _: Vec<Problem>) -> Result<Self> {
        Self::find(conn).await
    }
}
