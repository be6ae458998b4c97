use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    accounts::{AccessRequestId, InvitationId, RoleId, UserId},
    clock::Timestamp,
    db::TenantConn,
    error::Result,
    listed, record,
    schema::{access_requests, invitations, memberships, password_resets, users},
    tenants::TenantId,
};

const RESET_LIFE: Duration = Duration::from_mins(30);

/// A right to choose a new password, once.
pub struct PasswordReset;

impl PasswordReset {
    pub async fn insert(
        conn: &TenantConn,
        hash: &[u8],
        user: UserId,
        now: Timestamp,
    ) -> Result<()> {
        diesel::insert_into(password_resets::table)
            .values((
                password_resets::hash.eq(hash),
                password_resets::user_id.eq(user),
                password_resets::created_at.eq(now),
                password_resets::expires_at.eq(now.plus(RESET_LIFE)),
            ))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    pub async fn is_open(
        mut conn: &AsyncPgConnection,
        hash: &[u8],
        now: Timestamp,
    ) -> Result<bool> {
        let open = password_resets::table
            .filter(password_resets::hash.eq(hash))
            .filter(password_resets::used_at.is_null())
            .filter(password_resets::expires_at.gt(now));
        Ok(diesel::select(diesel::dsl::exists(open)).get_result(&mut conn).await?)
    }

    /// Whose it is, if it is good; from then on it is used.
    pub async fn take(conn: &TenantConn, hash: &[u8], now: Timestamp) -> Result<Option<UserId>> {
        let user = diesel::update(password_resets::table)
            .filter(password_resets::hash.eq(hash))
            .filter(password_resets::used_at.is_null())
            .filter(password_resets::expires_at.gt(now))
            .set(password_resets::used_at.eq(now))
            .returning(password_resets::user_id)
            .get_result(&mut &*conn)
            .await;
        Ok(user.optional()?)
    }
}

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = invitations)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: String,
    pub roles: Vec<String>,
    pub own_role_ids: Vec<RoleId>,
    pub expires_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
    pub version: i32,
    pub created_at: Timestamp,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = invitations)]
pub struct NewInvitation {
    pub id: InvitationId,
    pub email: String,
    pub roles: Vec<String>,
    pub own_role_ids: Vec<RoleId>,
    pub hash: Vec<u8>,
    pub expires_at: Timestamp,
}

#[derive(Debug, AsChangeset)]
#[diesel(table_name = invitations)]
pub struct InvitationChanges {
    pub expires_at: Option<Timestamp>,
}

record!(Invitation, invitations, InvitationId, NewInvitation, InvitationChanges);
listed!(Invitation, invitations);

impl Invitation {
    /// The one with this hash, if it is good.
    pub async fn open(conn: &TenantConn, hash: &[u8], now: Timestamp) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(invitations::tenant_id.eq(conn.tenant()))
            .filter(invitations::hash.eq(hash))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::expires_at.gt(now))
            .first(&mut &*conn)
            .await;
        Ok(found.optional()?)
    }

    /// Accepts it; false when somebody was quicker.
    pub async fn accept(conn: &TenantConn, id: InvitationId, now: Timestamp) -> Result<bool> {
        let accepted = diesel::update(invitations::table)
            .filter(invitations::tenant_id.eq(conn.tenant()))
            .filter(invitations::id.eq(id))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::expires_at.gt(now))
            .set(invitations::accepted_at.eq(now))
            .execute(&mut &*conn)
            .await?;
        Ok(accepted == 1)
    }
}

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = access_requests)]
pub struct AccessRequest {
    pub id: AccessRequestId,
    pub email: String,
    pub name: String,
    pub message: Option<String>,
    pub state: String,
    pub version: i32,
    pub created_at: Timestamp,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = access_requests, treat_none_as_default_value = false)]
pub struct NewAccessRequest {
    pub id: AccessRequestId,
    pub email: String,
    pub name: String,
    pub message: Option<String>,
    pub state: &'static str,
}

#[derive(Debug, AsChangeset)]
#[diesel(table_name = access_requests)]
pub struct AccessRequestChanges {
    pub state: Option<&'static str>,
}

record!(AccessRequest, access_requests, AccessRequestId, NewAccessRequest, AccessRequestChanges);
listed!(AccessRequest, access_requests);

/// A person who accepted: known from now on.
#[derive(Debug, Insertable)]
#[diesel(table_name = users)]
pub struct Newcomer<'a> {
    pub id: UserId,
    pub email: &'a str,
    pub name: &'a str,
    pub password_hash: &'a str,
    pub created_at: Timestamp,
}

impl Newcomer<'_> {
    pub async fn insert(&self, conn: &TenantConn) -> Result<()> {
        diesel::insert_into(users::table).values(self).execute(&mut &*conn).await?;
        Ok(())
    }
}

/// A person works in the tenant from now on; who worked there before does so again, as this.
pub async fn join(conn: &TenantConn, user: UserId, roles: &[String], now: Timestamp) -> Result<()> {
    diesel::insert_into(memberships::table)
        .values((
            memberships::tenant_id.eq(conn.tenant()),
            memberships::user_id.eq(user),
            memberships::roles.eq(roles),
            memberships::created_at.eq(now),
        ))
        .on_conflict((memberships::tenant_id, memberships::user_id))
        .do_update()
        .set((
            memberships::roles.eq(diesel::upsert::excluded(memberships::roles)),
            memberships::deactivated_at.eq(None::<Timestamp>),
        ))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// The tenants that a person works in.
pub async fn tenants_of(conn: &TenantConn, user: UserId) -> Result<Vec<TenantId>> {
    let tenants = memberships::table
        .filter(memberships::user_id.eq(user))
        .filter(memberships::deactivated_at.is_null())
        .select(memberships::tenant_id)
        .load(&mut &*conn)
        .await?;
    Ok(tenants)
}
