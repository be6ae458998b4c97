use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Nullable, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::{
    assigning::{Taker, next},
    values::LeadStatus,
};
use crate::{
    accounts::UserId,
    db::TenantConn,
    error::{Error, Result},
    schema::{leads, territory_members, territory_turns},
    territories::TerritoryId,
};

/// There is a turn to take, from then on.
const BEGIN: &str = "
INSERT INTO kontor.territory_turns (tenant_id, id) VALUES ($1, $2) ON CONFLICT (tenant_id, id) DO NOTHING";
const HOLD: &str = "
SELECT t.last_user_id FROM kontor.territory_turns t WHERE t.tenant_id = $1 AND t.id = $2 FOR UPDATE";

#[derive(QueryableByName)]
struct Turn {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_user_id: Option<Uuid>,
}

/// Whose turn it is in a territory; nobody's when all are away or have enough. Two leads at once
/// wait for each other.
pub async fn take_turn(mut conn: &TenantConn, territory: TerritoryId) -> Result<Option<UserId>> {
    diesel::sql_query(BEGIN)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<SqlUuid, _>(territory)
        .execute(&mut conn)
        .await?;
    let turn: Turn = diesel::sql_query(HOLD)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<SqlUuid, _>(territory)
        .get_result(&mut conn)
        .await?;
    let takers = takers(conn, territory).await?;
    let chosen = next(&takers, turn.last_user_id);
    if let Some(chosen) = chosen {
        diesel::update(territory_turns::table)
            .filter(territory_turns::tenant_id.eq(conn.tenant()))
            .filter(territory_turns::id.eq(territory))
            .set(territory_turns::last_user_id.eq(chosen))
            .execute(&mut conn)
            .await?;
    }
    Ok(chosen.map(Into::into))
}

/// Those who are there, with how much they have to do already.
async fn takers(mut conn: &TenantConn, territory: TerritoryId) -> Result<Vec<Taker>> {
    let members: Vec<(Uuid, Option<i32>)> = territory_members::table
        .filter(territory_members::tenant_id.eq(conn.tenant()))
        .filter(territory_members::territory_id.eq(territory))
        .filter(territory_members::present.eq(true))
        .order(territory_members::user_id)
        .select((territory_members::user_id, territory_members::lead_cap))
        .load(&mut conn)
        .await?;
    let users: Vec<Uuid> = members.iter().map(|(user, _)| *user).collect();
    let open = [LeadStatus::New, LeadStatus::Working, LeadStatus::Nurturing, LeadStatus::Qualified];
    let counts: Vec<(Option<Uuid>, i64)> = leads::table
        .filter(leads::tenant_id.eq(conn.tenant()))
        .filter(leads::owner_id.eq_any(users))
        .filter(leads::status.eq_any(open))
        .filter(leads::deleted_at.is_null())
        .group_by(leads::owner_id)
        .select((leads::owner_id, diesel::dsl::count_star()))
        .load(&mut conn)
        .await?;
    let counts: HashMap<Option<Uuid>, i64> = counts.into_iter().collect();
    let taker = |(user, cap)| Taker {
        user,
        cap,
        open: counts.get(&Some(user)).copied().unwrap_or_default(),
    };
    Ok(members.into_iter().map(taker).collect())
}

/// What somebody takes on in a territory: `None` keeps, `Some(None)` clears.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = territory_members)]
pub struct Intake {
    pub present: Option<bool>,
    pub lead_cap: Option<Option<i32>>,
}

/// Says what somebody takes on; they work in the territory.
pub async fn set_intake(
    mut conn: &TenantConn,
    (territory, user): (TerritoryId, UserId),
    intake: Intake,
) -> Result<()> {
    let set = diesel::update(territory_members::table)
        .filter(territory_members::tenant_id.eq(conn.tenant()))
        .filter(territory_members::territory_id.eq(territory))
        .filter(territory_members::user_id.eq(user))
        .set(intake)
        .execute(&mut conn)
        .await;
    match set.optional_empty_changeset()? {
        Some(0) => Err(Error::NotFound),
        _ => Ok(()),
    }
}
