use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    RuleId, TerritoryId,
    rules::fitting,
    values::{Demand, Place},
};
use crate::{
    accounts::UserId,
    clock::Clock,
    column,
    db::{Link, TenantConn},
    error::{Error, ErrorCode, Result},
    ids::new_uuid,
    listed, record,
    schema::{territories, territory_members, territory_rules},
};

/// How a company reaches its territory, for filters.
pub const TERRITORY_OF_COMPANIES: Link =
    Link::one(column!(companies::territory_id), column!(territories::id));

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = territories)]
pub struct Territory {
    pub id: TerritoryId,
    pub name: String,
    pub name_key: String,
    pub parent_id: Option<TerritoryId>,
    /// From the root down to itself.
    pub lineage: Vec<Uuid>,
    pub version: i32,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = territories, treat_none_as_default_value = false)]
pub struct NewTerritory {
    pub id: TerritoryId,
    pub name: String,
    pub parent_id: Option<TerritoryId>,
    pub lineage: Vec<Uuid>,
}

#[derive(Debug, Default, AsChangeset)]
#[diesel(table_name = territories)]
pub struct TerritoryChanges {
    pub name: Option<String>,
    pub parent_id: Option<Option<TerritoryId>>,
}

record!(Territory, territories, TerritoryId, NewTerritory, TerritoryChanges);
listed!(Territory, territories);

/// Puts a territory and all below it somewhere else: the lineage of each begins anew.
const MOVE: &str = "
UPDATE kontor.territories t SET lineage = $3 || (
  SELECT array_agg(part.id ORDER BY part.place)
  FROM unnest(t.lineage) WITH ORDINALITY AS part (id, place) WHERE part.place >= $4)
WHERE t.tenant_id = $1 AND $2 = ANY(t.lineage)";

/// Where something belongs, by the rules; `None`: nowhere.
pub async fn territory_for(conn: &TenantConn, place: Place<'_>) -> Result<Option<TerritoryId>> {
    let rules = Rule::all(conn).await?;
    let best = fitting(rules.iter().map(Rule::demand), place);
    Ok(best.and_then(|at| rules.get(at)).map(|rule| rule.territory_id))
}

impl Territory {
    /// Is it the other one, or above it?
    pub fn is_above(&self, other: &Self) -> bool {
        other.lineage.contains(&self.id.into())
    }

    /// The tree is changed by one at a time: two moves at once could tie a knot.
    pub async fn hold_tree(mut conn: &TenantConn) -> Result<Vec<Self>> {
        let all = Self::query()
            .filter(territories::tenant_id.eq(conn.tenant()))
            .order(territories::id)
            .for_update()
            .load(&mut conn)
            .await?;
        Ok(all)
    }

    pub async fn move_to(mut conn: &TenantConn, territory: &Self, above: Vec<Uuid>) -> Result<()> {
        use diesel::sql_types::{Array, Integer, Uuid as SqlUuid};
        let depth = i32::try_from(territory.lineage.len()).unwrap_or(i32::MAX);
        diesel::sql_query(MOVE)
            .bind::<SqlUuid, _>(conn.tenant())
            .bind::<SqlUuid, _>(territory.id)
            .bind::<Array<SqlUuid>, _>(above)
            .bind::<Integer, _>(depth)
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// Refused while it has something below it or in it.
    pub async fn delete(mut conn: &TenantConn, id: TerritoryId) -> Result<()> {
        let below = territories::table
            .filter(territories::tenant_id.eq(conn.tenant()))
            .filter(territories::parent_id.eq(id))
            .count()
            .get_result::<i64>(&mut conn)
            .await?;
        if below > 0 {
            let told = "There are territories below it: move or delete them first.";
            return Err(Error::refused(ErrorCode::Invalid, "id", told));
        }
        diesel::delete(territories::table)
            .filter(territories::tenant_id.eq(conn.tenant()))
            .filter(territories::id.eq(id))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// Those right below each of several.
    pub async fn children_of(
        mut conn: &TenantConn,
        parents: &[TerritoryId],
        max: i64,
    ) -> Result<Vec<(TerritoryId, Self)>> {
        // A tenant has some hundred territories at most; each has few below it.
        let most = max.saturating_mul(i64::try_from(parents.len()).unwrap_or(i64::MAX));
        let rows: Vec<Self> = Self::query()
            .filter(territories::tenant_id.eq(conn.tenant()))
            .filter(territories::parent_id.eq_any(parents))
            .order((territories::name_key, territories::id))
            .limit(most)
            .load(&mut conn)
            .await?;
        let of_parent = |row: Self| row.parent_id.map(|parent| (parent, row));
        Ok(rows.into_iter().filter_map(of_parent).collect())
    }
}

/// What belongs into a territory. Each part that is there must fit.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = territory_rules)]
pub struct Rule {
    pub id: RuleId,
    pub territory_id: TerritoryId,
    pub countries: Option<Vec<String>>,
    pub postal_prefixes: Option<Vec<String>>,
    pub industries: Option<Vec<String>>,
    pub employees_min: Option<i32>,
    pub employees_max: Option<i32>,
    pub priority: i32,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = territory_rules, treat_none_as_default_value = false)]
pub struct NewRule {
    pub id: RuleId,
    pub territory_id: TerritoryId,
    pub countries: Option<Vec<String>>,
    pub postal_prefixes: Option<Vec<String>>,
    pub industries: Option<Vec<String>>,
    pub employees_min: Option<i32>,
    pub employees_max: Option<i32>,
    pub priority: i32,
}

impl Rule {
    pub fn demand(&self) -> Demand<'_> {
        Demand {
            countries: self.countries.as_deref(),
            postal_prefixes: self.postal_prefixes.as_deref(),
            industries: self.industries.as_deref(),
            employees_min: self.employees_min,
            employees_max: self.employees_max,
        }
    }

    /// All of a tenant's, in the order in which they win where they are equally specific.
    pub async fn all(mut conn: &TenantConn) -> Result<Vec<Self>> {
        let all = Self::query()
            .filter(territory_rules::tenant_id.eq(conn.tenant()))
            .order((territory_rules::priority.desc(), territory_rules::id))
            .load(&mut conn)
            .await?;
        Ok(all)
    }

    pub async fn of_territories(
        mut conn: &TenantConn,
        territories: &[TerritoryId],
        max: i64,
    ) -> Result<Vec<(TerritoryId, Self)>> {
        let most = max.saturating_mul(i64::try_from(territories.len()).unwrap_or(i64::MAX));
        let rows: Vec<Self> = Self::query()
            .filter(territory_rules::tenant_id.eq(conn.tenant()))
            .filter(territory_rules::territory_id.eq_any(territories))
            .order((territory_rules::priority.desc(), territory_rules::id))
            .limit(most)
            .load(&mut conn)
            .await?;
        Ok(rows.into_iter().map(|row| (row.territory_id, row)).collect())
    }

    /// A territory has these rules and no others.
    pub async fn replace(
        mut conn: &TenantConn,
        territory: TerritoryId,
        rules: Vec<NewRule>,
    ) -> Result<()> {
        diesel::delete(territory_rules::table)
            .filter(territory_rules::tenant_id.eq(conn.tenant()))
            .filter(territory_rules::territory_id.eq(territory))
            .execute(&mut conn)
            .await?;
        let tenant = conn.tenant();
        let rows = rules.into_iter().map(|rule| (territory_rules::tenant_id.eq(tenant), rule));
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            diesel::insert_into(territory_rules::table).values(rows).execute(&mut conn).await?;
        }
        Ok(())
    }
}

/// Somebody who works in a territory.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = territory_members)]
pub struct Member {
    pub territory_id: TerritoryId,
    pub user_id: UserId,
    pub is_manager: bool,
    pub present: bool,
    pub lead_cap: Option<i32>,
}

impl Member {
    pub async fn of_territories(
        mut conn: &TenantConn,
        territories: &[TerritoryId],
        max: i64,
    ) -> Result<Vec<(TerritoryId, Self)>> {
        let most = max.saturating_mul(i64::try_from(territories.len()).unwrap_or(i64::MAX));
        let rows: Vec<Self> = Self::query()
            .filter(territory_members::tenant_id.eq(conn.tenant()))
            .filter(territory_members::territory_id.eq_any(territories))
            .order((territory_members::is_manager.desc(), territory_members::user_id))
            .limit(most)
            .load(&mut conn)
            .await?;
        Ok(rows.into_iter().map(|row| (row.territory_id, row)).collect())
    }

    /// These people work in a territory and no others.
    pub async fn replace(
        mut conn: &TenantConn,
        clock: &Clock,
        territory: TerritoryId,
        members: &[(UserId, bool)],
    ) -> Result<()> {
        let stay: Vec<UserId> = members.iter().map(|(user, _)| *user).collect();
        diesel::delete(territory_members::table)
            .filter(territory_members::tenant_id.eq(conn.tenant()))
            .filter(territory_members::territory_id.eq(territory))
            .filter(territory_members::user_id.ne_all(stay))
            .execute(&mut conn)
            .await?;
        let row = |(user, is_manager): &(UserId, bool)| {
            (
                territory_members::tenant_id.eq(conn.tenant()),
                territory_members::id.eq(new_uuid(clock)),
                territory_members::territory_id.eq(territory),
                territory_members::user_id.eq(*user),
                territory_members::is_manager.eq(*is_manager),
            )
        };
        let rows: Vec<_> = members.iter().map(row).collect();
        if !rows.is_empty() {
            diesel::insert_into(territory_members::table)
                .values(rows)
                .on_conflict((
                    territory_members::tenant_id,
                    territory_members::territory_id,
                    territory_members::user_id,
                ))
                .do_update()
                .set(
                    territory_members::is_manager
                        .eq(diesel::upsert::excluded(territory_members::is_manager)),
                )
                .execute(&mut conn)
                .await?;
        }
        Ok(())
    }
}
