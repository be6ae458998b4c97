use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Uuid},
};
use diesel_async::RunQueryDsl;

use super::super::{DealId, StageChangeId, StageId};
use crate::{
    accounts::UserId, clock::Timestamp, db::TenantConn, error::Result, schema::stage_changes,
};

/// How a deal came from one stage to another.
#[derive(Clone, Debug, HasQuery, QueryableByName)]
#[diesel(table_name = stage_changes)]
pub struct StageChange {
    pub id: StageChangeId,
    pub deal_id: DealId,
    pub from_stage_id: Option<StageId>,
    pub to_stage_id: StageId,
    pub at: Timestamp,
    pub by_id: Option<UserId>,
    pub reason: Option<String>,
    pub seconds_in_previous: Option<i32>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = stage_changes, treat_none_as_default_value = false)]
pub struct NewStageChange {
    pub id: StageChangeId,
    pub deal_id: DealId,
    pub from_stage_id: Option<StageId>,
    pub to_stage_id: StageId,
    pub at: Timestamp,
    pub by_id: Option<UserId>,
    pub reason: Option<String>,
    pub seconds_in_previous: Option<i32>,
}

const OF_DEALS: &str = "
SELECT id, deal_id, from_stage_id, to_stage_id, at, by_id, reason, seconds_in_previous FROM (
  SELECT c.*, row_number() OVER (PARTITION BY c.deal_id ORDER BY c.at DESC, c.id DESC) AS place
  FROM kontor.stage_changes c WHERE c.tenant_id = $1 AND c.deal_id = ANY($2)
) AS ranked WHERE place <= $3 ORDER BY deal_id, place DESC";

impl StageChange {
    pub async fn insert(mut conn: &TenantConn, new: NewStageChange) -> Result<()> {
        diesel::insert_into(stage_changes::table)
            .values((stage_changes::tenant_id.eq(conn.tenant()), new))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// How several deals came to where they are, at most the last `max` steps of each.
    pub async fn of_deals(
        mut conn: &TenantConn,
        deals: &[DealId],
        max: i64,
    ) -> Result<Vec<(DealId, Self)>> {
        let rows: Vec<Self> = diesel::sql_query(OF_DEALS)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Array<Uuid>, _>(deals)
            .bind::<BigInt, _>(max)
            .load(&mut conn)
            .await?;
        Ok(rows.into_iter().map(|row| (row.deal_id, row)).collect())
    }

    /// The last step of a deal.
    pub async fn last(conn: &TenantConn, deal: DealId) -> Result<Option<Self>> {
        let last = Self::of_deals(conn, &[deal], 1).await?;
        Ok(last.into_iter().next().map(|(_, change)| change))
    }
}
