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
    schema::sales_settings as settings,
};

/// How a tenant sells.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = settings)]
pub struct SalesSettings {
    pub won_without_quote: bool,
    pub version: i32,
}

/// As the product comes.
impl Default for SalesSettings {
    fn default() -> Self {
        Self { won_without_quote: true, version: 0 }
    }
}

/// There are those of each tenant, whatever their id.
const OF_THE_TENANT: (&str, uuid::Uuid) = ("sales_settings", uuid::Uuid::nil());

const FIRST: &str = "
INSERT INTO kontor.sales_settings (tenant_id, id, version, created_at, updated_at)
VALUES ($1, $2, 1, $3, $3) ON CONFLICT (tenant_id) DO NOTHING";

impl SalesSettings {
    pub async fn find(conn: &TenantConn) -> Result<Self> {
        let found =
            Self::query().filter(settings::tenant_id.eq(conn.tenant())).first(&mut &*conn).await;
        Ok(found.optional()?.unwrap_or_default())
    }

    /// There are some from then on.
    pub async fn set(
        conn: &TenantConn,
        clock: &Clock,
        expected_version: Option<i32>,
        won_without_quote: Option<bool>,
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
            .filter(settings::tenant_id.eq(conn.tenant()))
            .for_update()
            .first(&mut &*conn)
            .await?;
        if made == 0 {
            expect_version(OF_THE_TENANT, expected_version, locked.version)?;
        }
        let Some(won_without_quote) = won_without_quote else { return Ok(locked) };
        let set = diesel::update(settings::table)
            .filter(settings::tenant_id.eq(conn.tenant()))
            .set(settings::won_without_quote.eq(won_without_quote))
            .returning(Self::as_returning())
            .get_result(&mut &*conn)
            .await?;
        Ok(set)
    }
}

impl Outcome for SalesSettings {
    fn ids(&self) -> Vec<uuid::Uuid> {
        Vec::new()
    }

    async fn recall(conn: &TenantConn, _: &[uuid::Uuid], _: Vec<Problem>) -> Result<Self> {
        Self::find(conn).await
    }
}
