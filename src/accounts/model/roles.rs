use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Nullable, Text, Uuid},
};
use diesel_async::RunQueryDsl;

use crate::{
    accounts::{RoleId, UserId},
    clock::Clock,
    db::TenantConn,
    error::Result,
    ids::new_uuid,
    record,
    schema::{membership_roles, role_grants, roles},
};

/// A tenant's own role.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = roles)]
pub struct RoleRow {
    pub id: RoleId,
    pub version: i32,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = roles)]
pub struct NewRole {
    pub id: RoleId,
    pub name: String,
}

#[derive(Debug, AsChangeset)]
#[diesel(table_name = roles)]
pub struct RoleChanges {
    pub name: Option<String>,
}

record!(RoleRow, roles, RoleId, NewRole, RoleChanges);

/// A tenant's own role with the words of what it grants: (permission, reach).
#[derive(Clone, Debug)]
pub struct OwnRole {
    pub id: RoleId,
    pub name: String,
    pub grants: Vec<(String, String)>,
}

/// What somebody is: the names of built-in roles, and the tenant's own.
#[derive(Clone, Debug, Default)]
pub struct RolesOfUser {
    /// May they sign in at all?
    pub active: bool,
    pub built_in: Vec<String>,
    pub own: Vec<OwnRole>,
}

#[derive(QueryableByName)]
struct RolesRow {
    #[diesel(sql_type = Uuid)]
    user_id: UserId,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Array<Text>)]
    built_in: Vec<String>,
    #[diesel(sql_type = Nullable<Uuid>)]
    role_id: Option<RoleId>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    permission: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reach: Option<String>,
}

const ROLES_OF_USERS: &str = "
SELECT m.user_id, u.active AND m.deactivated_at IS NULL AS active, m.roles AS built_in, r.id AS role_id, r.name, g.permission, g.reach
FROM kontor.memberships m
JOIN kontor.users u ON u.id = m.user_id
LEFT JOIN kontor.membership_roles l ON l.tenant_id = $1 AND l.user_id = m.user_id
LEFT JOIN kontor.roles r ON r.tenant_id = $1 AND r.id = l.role_id
LEFT JOIN kontor.role_grants g ON g.tenant_id = $1 AND g.role_id = r.id
WHERE m.tenant_id = $1 AND m.user_id = ANY($2)
ORDER BY m.user_id, r.name_key, r.id";

/// What several people are, in one statement.
pub async fn roles_of(conn: &TenantConn, users: &[UserId]) -> Result<HashMap<UserId, RolesOfUser>> {
    let rows: Vec<RolesRow> = diesel::sql_query(ROLES_OF_USERS)
        .bind::<Uuid, _>(conn.tenant())
        .bind::<Array<Uuid>, _>(users)
        .load(&mut &*conn)
        .await?;
    let mut roles = HashMap::<UserId, RolesOfUser>::new();
    for row in rows {
        let of = roles.entry(row.user_id).or_default();
        (of.active, of.built_in) = (row.active, row.built_in);
        let (Some(id), Some(name)) = (row.role_id, row.name) else {
            continue;
        };
        if of.own.last().is_none_or(|last| last.id != id) {
            of.own.push(OwnRole { id, name, grants: Vec::new() });
        }
        if let (Some(last), Some(permission), Some(reach)) =
            (of.own.last_mut(), row.permission, row.reach)
        {
            last.grants.push((permission, reach));
        }
    }
    Ok(roles)
}

impl OwnRole {
    /// All of the tenant, by name.
    pub async fn all(conn: &TenantConn) -> Result<Vec<Self>> {
        Self::load(conn, None).await
    }

    /// Those of the ids that exist.
    pub async fn by_ids(conn: &TenantConn, ids: &[RoleId]) -> Result<Vec<Self>> {
        Self::load(conn, Some(ids)).await
    }

    async fn load(conn: &TenantConn, ids: Option<&[RoleId]>) -> Result<Vec<Self>> {
        let rows: Vec<OwnRoleRow> = diesel::sql_query(OWN_ROLES)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Nullable<Array<Uuid>>, _>(ids)
            .load(&mut &*conn)
            .await?;
        let mut roles = Vec::<Self>::new();
        for OwnRoleRow { id, name, permission, reach } in rows {
            if roles.last().is_none_or(|last| last.id != id) {
                roles.push(Self { id, name, grants: Vec::new() });
            }
            if let (Some(last), Some(permission), Some(reach)) =
                (roles.last_mut(), permission, reach)
            {
                last.grants.push((permission, reach));
            }
        }
        Ok(roles)
    }
}

#[derive(QueryableByName)]
struct OwnRoleRow {
    #[diesel(sql_type = Uuid)]
    id: RoleId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    permission: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reach: Option<String>,
}

const OWN_ROLES: &str = "
SELECT r.id, r.name, g.permission, g.reach
FROM kontor.roles r
LEFT JOIN kontor.role_grants g ON g.tenant_id = $1 AND g.role_id = r.id
WHERE r.tenant_id = $1 AND ($2::uuid[] IS NULL OR r.id = ANY($2))
ORDER BY r.name_key, r.id";

/// A role grants exactly this from now on.
pub async fn replace_grants(
    conn: &TenantConn,
    clock: &Clock,
    role: RoleId,
    grants: &[(&str, &str)],
) -> Result<()> {
    diesel::delete(role_grants::table)
        .filter(role_grants::tenant_id.eq(conn.tenant()))
        .filter(role_grants::role_id.eq(role))
        .execute(&mut &*conn)
        .await?;
    if grants.is_empty() {
        return Ok(());
    }
    let rows = grants.iter().map(|(permission, reach)| {
        (
            role_grants::tenant_id.eq(conn.tenant()),
            role_grants::id.eq(new_uuid(clock)),
            role_grants::role_id.eq(role),
            role_grants::permission.eq(*permission),
            role_grants::reach.eq(*reach),
        )
    });
    diesel::insert_into(role_grants::table)
        .values(rows.collect::<Vec<_>>())
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

pub async fn delete_role(conn: &TenantConn, id: RoleId) -> Result<()> {
    diesel::delete(roles::table)
        .filter(roles::tenant_id.eq(conn.tenant()))
        .filter(roles::id.eq(id))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// A person has these of the tenant's own roles from now on.
pub async fn replace_own_roles(
    conn: &TenantConn,
    clock: &Clock,
    user: UserId,
    ids: &[RoleId],
) -> Result<()> {
    diesel::delete(membership_roles::table)
        .filter(membership_roles::tenant_id.eq(conn.tenant()))
        .filter(membership_roles::user_id.eq(user))
        .filter(membership_roles::role_id.ne_all(ids))
        .execute(&mut &*conn)
        .await?;
    if ids.is_empty() {
        return Ok(());
    }
    let rows = ids.iter().map(|role| {
        (
            membership_roles::tenant_id.eq(conn.tenant()),
            membership_roles::id.eq(new_uuid(clock)),
            membership_roles::user_id.eq(user),
            membership_roles::role_id.eq(*role),
        )
    });
    diesel::insert_into(membership_roles::table)
        .values(rows.collect::<Vec<_>>())
        // What stays is not written down as a change.
        .on_conflict_do_nothing()
        .execute(&mut &*conn)
        .await?;
    Ok(())
}
