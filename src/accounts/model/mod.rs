pub mod attempts;
mod clients;
mod factors;
mod joining;
mod people;
mod policy;
mod roles;
mod sessions;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::UserId;
use crate::{
    clock::Timestamp,
    db::{OperatorConn, TenantConn},
    error::Result,
    schema::{memberships, password_resets, tenants, users},
    tenants::{TenantId, TenantRow},
};

#[derive(Clone, Debug, HasQuery, QueryableByName)]
#[diesel(table_name = users)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub active: bool,
    pub created_at: Timestamp,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = users)]
pub struct NewUser<'a> {
    pub id: UserId,
    pub email: &'a str,
    pub name: &'a str,
    pub password_hash: &'a str,
    pub created_at: Timestamp,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = memberships)]
pub struct NewMembership<'a> {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub roles: Vec<&'a str>,
    pub created_at: Timestamp,
}

pub use clients::{
    ApiClient, ApiClientChanges, NewApiClient, Secret, client_of, last_uses, note_use, secrets_of,
};
pub use factors::{Factor, FactorState, replace_recovery_codes, step_up, use_recovery_code};
pub use joining::{
    AccessRequest, AccessRequestChanges, Invitation, InvitationChanges, NewAccessRequest,
    NewInvitation, Newcomer, PasswordReset, join, tenants_of,
};
pub use people::{Membership, members_of, report_to};
pub use policy::{Policy, PolicyChanges};
pub use roles::{
    NewRole, OwnRole, RoleChanges, RoleRow, RolesOfUser, delete_role, replace_grants,
    replace_own_roles, roles_of,
};
pub use sessions::{NewSession, Session, Standing, keep_refresh, territories_of, use_refresh};

/// What sign-in asks of a person.
#[derive(Debug, Queryable)]
pub struct Credentials {
    pub user: UserId,
    pub password_hash: String,
    pub active: bool,
}

impl User {
    /// A member of the tenant.
    pub async fn find(mut conn: &TenantConn, id: UserId) -> Result<Option<Self>> {
        let user: Result<(Self, Option<Timestamp>), _> = users::table
            .inner_join(memberships::table.on(memberships::user_id.eq(users::id)))
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(users::id.eq(id))
            .select((Self::as_select(), memberships::deactivated_at))
            .first(&mut conn)
            .await;
        Ok(user.optional()?.map(Self::here))
    }

    /// Members of the tenant.
    pub async fn by_ids(mut conn: &TenantConn, ids: &[UserId]) -> Result<Vec<Self>> {
        let users: Vec<(Self, Option<Timestamp>)> = users::table
            .inner_join(memberships::table.on(memberships::user_id.eq(users::id)))
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(users::id.eq_any(ids))
            .select((Self::as_select(), memberships::deactivated_at))
            .load(&mut conn)
            .await?;
        Ok(users.into_iter().map(Self::here).collect())
    }

    /// Those of the tenant who have a role.
    pub async fn by_role(mut conn: &TenantConn, role: &str) -> Result<Vec<Self>> {
        let users = Self::query()
            .inner_join(memberships::table.on(memberships::user_id.eq(users::id)))
            .filter(memberships::tenant_id.eq(conn.tenant()))
            .filter(memberships::roles.contains(vec![role]))
            .order(users::id)
            .load(&mut conn)
            .await?;
        Ok(users)
    }

    /// Active in this tenant: active at all, and not deactivated here.
    fn here((user, deactivated_at): (Self, Option<Timestamp>)) -> Self {
        Self { active: user.active && deactivated_at.is_none(), ..user }
    }

    pub async fn email(mut conn: &AsyncPgConnection, id: UserId) -> Result<String> {
        let email = users::table.filter(users::id.eq(id)).select(users::email);
        Ok(email.first(&mut conn).await?)
    }

    pub async fn set_password(mut conn: &TenantConn, id: UserId, hash: &str) -> Result<()> {
        diesel::update(users::table)
            .filter(users::id.eq(id))
            .set(users::password_hash.eq(hash))
            .execute(&mut conn)
            .await?;
        // Links that were asked for before lead nowhere now.
        diesel::update(password_resets::table)
            .filter(password_resets::user_id.eq(id))
            .filter(password_resets::used_at.is_null())
            .set(password_resets::used_at.eq(diesel::dsl::now))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    pub async fn insert(conn: &OperatorConn, new: &NewUser<'_>) -> Result<()> {
        diesel::insert_into(users::table).values(new).execute(&mut conn.pg()).await?;
        Ok(())
    }
}

impl NewMembership<'_> {
    pub async fn insert(&self, conn: &OperatorConn) -> Result<()> {
        diesel::insert_into(memberships::table).values(self).execute(&mut conn.pg()).await?;
        Ok(())
    }
}

impl Credentials {
    pub async fn of(mut conn: &AsyncPgConnection, email: &str) -> Result<Option<Self>> {
        let found = users::table
            .filter(users::email_key.eq(email.to_lowercase()))
            .select((users::id, users::password_hash, users::active))
            .first(&mut conn)
            .await;
        Ok(found.optional()?)
    }
}

/// The tenants of a person, with the roles there, by slug.
pub async fn places(
    mut conn: &AsyncPgConnection,
    user: UserId,
) -> Result<Vec<(TenantRow, Vec<String>)>> {
    let places = memberships::table
        .inner_join(tenants::table)
        .filter(memberships::user_id.eq(user))
        .filter(memberships::deactivated_at.is_null())
        .select((TenantRow::as_select(), memberships::roles))
        .order(tenants::slug)
        .load(&mut conn)
        .await?;
    Ok(places)
}
