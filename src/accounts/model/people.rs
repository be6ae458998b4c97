use diesel::{
    prelude::*,
    sql_types::{Array, Uuid},
};
use diesel_async::RunQueryDsl;

use super::User;
use crate::{
    accounts::UserId,
    clock::{Clock, Timestamp},
    db::{Outcome, Paged, Slice, TenantConn, capped_count},
    error::{Error, ErrorCode, Problem, Result},
    ids::new_uuid,
    schema::{memberships, reporting_lines, users},
};

/// What a membership says besides the person.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = memberships)]
pub struct Membership {
    pub roles: Vec<String>,
    pub deactivated_at: Option<Timestamp>,
}

impl Paged for User {
    async fn page(conn: &TenantConn, slice: &Slice) -> Result<Vec<Self>> {
        let page: Vec<(Self, Option<Timestamp>)> = users::table
            .inner_join(memberships::table.on(memberships::user_id.eq(users::id)))
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(slice.condition())
            .order(slice.ordering())
            .limit(slice.limit)
            .select((Self::as_select(), memberships::deactivated_at))
            .load(&mut &*conn)
            .await?;
        Ok(page.into_iter().map(Self::here).collect())
    }

    async fn count(conn: &TenantConn, slice: &Slice) -> Result<i64> {
        let rows = users::table
            .inner_join(memberships::table.on(memberships::user_id.eq(users::id)))
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(slice.condition())
            .select(users::id);
        Ok(capped_count(conn, rows).await?)
    }
}

/// A manager with the person who reports to them.
#[derive(QueryableByName)]
struct ManagerOf {
    #[diesel(sql_type = Uuid)]
    member_id: UserId,
    #[diesel(embed)]
    manager: User,
}

const MANAGERS_OF: &str = "
SELECT m.user_id AS member_id, u.id, u.email, u.name, u.created_at,
       u.active AND b.deactivated_at IS NULL AS active
FROM kontor.memberships m
JOIN kontor.memberships b ON b.tenant_id = $1 AND b.user_id = m.manager_id
JOIN kontor.users u ON u.id = b.user_id
WHERE m.tenant_id = $1 AND m.user_id = ANY($2)";

impl User {
    /// Whom several people report to.
    pub async fn managers_of(conn: &TenantConn, ids: &[UserId]) -> Result<Vec<(UserId, Self)>> {
        let rows: Vec<ManagerOf> = diesel::sql_query(MANAGERS_OF)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Array<Uuid>, _>(ids)
            .load(&mut &*conn)
            .await?;
        Ok(rows.into_iter().map(|row| (row.member_id, row.manager)).collect())
    }
}

impl Outcome for User {
    fn ids(&self) -> Vec<uuid::Uuid> {
        vec![self.id.0]
    }

    async fn recall(conn: &TenantConn, ids: &[uuid::Uuid], _: Vec<Problem>) -> Result<Self> {
        let id = ids.first().copied().ok_or(Error::NotFound)?;
        Self::find(conn, UserId(id)).await?.ok_or(Error::NotFound)
    }
}

impl Membership {
    /// For a change of it.
    pub async fn lock(conn: &TenantConn, user: UserId) -> Result<Self> {
        let found = memberships::table
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(memberships::user_id.eq(user))
            .for_update()
            .select(Self::as_select())
            .first(&mut &*conn)
            .await?;
        Ok(found)
    }

    /// The owners that can sign in, locked together with one more person, in the order in which all
    /// such locks are taken: two requests that would each leave one behind take turns.
    pub async fn lock_owners(conn: &TenantConn, and: UserId) -> Result<Vec<UserId>> {
        let is_owner =
            memberships::roles.contains(vec!["OWNER"]).and(memberships::deactivated_at.is_null());
        let locked: Vec<(UserId, Vec<String>, Option<Timestamp>)> = memberships::table
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(is_owner.or(memberships::user_id.eq(and)))
            .order(memberships::user_id)
            .for_update()
            .select((memberships::user_id, memberships::roles, memberships::deactivated_at))
            .load(&mut &*conn)
            .await?;
        let owners = locked.into_iter().filter(|(_, roles, deactivated_at)| {
            deactivated_at.is_none() && roles.iter().any(|role| role == "OWNER")
        });
        Ok(owners.map(|(user, ..)| user).collect())
    }

    pub async fn set_roles(conn: &TenantConn, user: UserId, roles: Vec<&str>) -> Result<()> {
        diesel::update(memberships::table)
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(memberships::user_id.eq(user))
            .set(memberships::roles.eq(roles))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    pub async fn set_deactivated(
        conn: &TenantConn,
        user: UserId,
        at: Option<Timestamp>,
    ) -> Result<()> {
        diesel::update(memberships::table)
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(memberships::user_id.eq(user))
            .set(memberships::deactivated_at.eq(at))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }
}

/// Somebody reports to a manager, or to nobody, from now on: the reporting line follows, and
/// never bites its own tail. Changes of one tenant's line take turns at its managers' rows.
pub async fn report_to(
    conn: &TenantConn,
    clock: &Clock,
    user: UserId,
    manager: Option<UserId>,
) -> Result<()> {
    let everybody: Vec<UserId> = memberships::table
        .filter(memberships::tenant_id.eq(conn.tenant()))
        .order(memberships::user_id)
        .for_update()
        .select(memberships::user_id)
        .load(&mut &*conn)
        .await?;
    if !everybody.contains(&user) {
        return Err(Error::NotFound);
    }
    if manager.is_some_and(|manager| !everybody.contains(&manager)) {
        return Err(Error::refused(ErrorCode::NotFound, "managerId", "There is no such user."));
    }
    let (below, above) = (members_of(conn, user).await?, managers_of(conn, manager).await?);
    if manager.is_some_and(|manager| manager == user || below.contains(&manager)) {
        let told = "Nobody reports to somebody who reports to them.";
        return Err(Error::refused(ErrorCode::Cycle, "managerId", told));
    }
    diesel::update(memberships::table)
        .filter(memberships::tenant_id.eq(conn.tenant()))
        .filter(memberships::user_id.eq(user))
        .set(memberships::manager_id.eq(manager))
        .execute(&mut &*conn)
        .await?;
    let mut moved = below.clone();
    moved.push(user);
    diesel::delete(reporting_lines::table)
        .filter(reporting_lines::tenant_id.eq(conn.tenant()))
        .filter(reporting_lines::member_id.eq_any(&moved))
        .filter(reporting_lines::manager_id.ne_all(&moved))
        .execute(&mut &*conn)
        .await?;
    if above.is_empty() {
        return Ok(());
    }
    let pairs = above.iter().flat_map(|above| moved.iter().map(move |member| (*above, *member)));
    let rows = pairs.map(|(manager, member)| {
        (
            reporting_lines::tenant_id.eq(conn.tenant()),
            reporting_lines::id.eq(new_uuid(clock)),
            reporting_lines::manager_id.eq(manager),
            reporting_lines::member_id.eq(member),
        )
    });
    diesel::insert_into(reporting_lines::table)
        .values(rows.collect::<Vec<_>>())
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// Those below, at any distance.
pub async fn members_of(conn: &TenantConn, user: UserId) -> Result<Vec<UserId>> {
    let below = reporting_lines::table
        .filter(reporting_lines::tenant_id.eq(conn.tenant()))
        .filter(reporting_lines::manager_id.eq(user))
        .select(reporting_lines::member_id)
        .load(&mut &*conn)
        .await?;
    Ok(below)
}

/// The manager and all above.
async fn managers_of(conn: &TenantConn, manager: Option<UserId>) -> Result<Vec<UserId>> {
    let Some(manager) = manager else { return Ok(Vec::new()) };
    let mut above: Vec<UserId> = reporting_lines::table
        .filter(reporting_lines::tenant_id.eq(conn.tenant()))
        .filter(reporting_lines::member_id.eq(manager))
        .select(reporting_lines::manager_id)
        .load(&mut &*conn)
        .await?;
    above.push(manager);
    Ok(above)
}
