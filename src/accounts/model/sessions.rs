use diesel::{prelude::*, sql_types};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Policy,
    roles::{RolesOfUser, roles_of},
};
use crate::{
    accounts::{SessionId, UserId, token::Refresh},
    clock::{Clock, Timestamp},
    db::TenantConn,
    error::Result,
    ids::new_uuid,
    schema::{refresh_tokens, reporting_lines, sessions},
};

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = sessions)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub struct NewSession {
    pub id: SessionId,
    pub user_id: UserId,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub second_factor_at: Option<Timestamp>,
}

/// What somebody is in a tenant at this moment, through a session that lives.
#[derive(Debug)]
pub struct Standing {
    pub roles: RolesOfUser,
    pub team: Vec<UserId>,
    /// Their territories, and all below them.
    pub territories: Vec<Uuid>,
    pub policy: Policy,
    pub second_factor_at: Option<Timestamp>,
}

impl Standing {
    pub async fn of(
        conn: &TenantConn,
        session: SessionId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let alive = async {
            let alive = sessions::table
                .filter(sessions::tenant_id.eq(conn.tenant()))
                .filter(sessions::id.eq(session))
                .filter(sessions::user_id.eq(user))
                .filter(sessions::ended_at.is_null())
                .filter(sessions::expires_at.gt(now))
                .select(sessions::second_factor_at)
                .first::<Option<Timestamp>>(&mut &*conn)
                .await;
            Ok::<_, crate::error::Error>(alive.optional()?)
        };
        let roles = async { roles_of(conn, &[user]).await };
        let team = async {
            let team = reporting_lines::table
                .filter(reporting_lines::tenant_id.eq(conn.tenant()))
                .filter(reporting_lines::manager_id.eq(user))
                .select(reporting_lines::member_id)
                .load::<UserId>(&mut &*conn)
                .await;
            Ok(team?)
        };
        let territories = async { territories_of(conn, user).await };
        let policy = async { Policy::find(conn).await };
        let (alive, mut roles, team, territories, policy) =
            futures_util::try_join!(alive, roles, team, territories, policy)?;
        let roles = roles.remove(&user).filter(|roles| roles.active);
        let both = alive.zip(roles);
        Ok(both.map(|(second_factor_at, roles)| Self {
            roles,
            team,
            territories,
            policy,
            second_factor_at,
        }))
    }
}

/// A person's territories, and all below them.
pub async fn territories_of(mut conn: &TenantConn, user: UserId) -> Result<Vec<Uuid>> {
    let found = diesel::sql_query(TERRITORIES_OF)
        .bind::<sql_types::Uuid, _>(conn.tenant())
        .bind::<sql_types::Uuid, _>(user)
        .load::<TerritoryOf>(&mut conn)
        .await?;
    Ok(found.into_iter().map(|territory| territory.id).collect())
}

const TERRITORIES_OF: &str = "
SELECT DISTINCT t.id FROM kontor.territory_members m
JOIN kontor.territories t ON t.tenant_id = $1 AND m.territory_id = ANY(t.lineage)
WHERE m.tenant_id = $1 AND m.user_id = $2";

#[derive(QueryableByName)]
struct TerritoryOf {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

impl Session {
    pub async fn insert(conn: &TenantConn, new: NewSession) -> Result<()> {
        diesel::insert_into(sessions::table)
            .values((sessions::tenant_id.eq(conn.tenant()), new))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    /// Those of a person that live.
    pub async fn of_user(conn: &TenantConn, user: UserId, now: Timestamp) -> Result<Vec<Self>> {
        let sessions = Self::query()
            .filter(sessions::tenant_id.eq(conn.tenant()))
            .filter(sessions::user_id.eq(user))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(now))
            .order(sessions::created_at.desc())
            .limit(100)
            .load(&mut &*conn)
            .await?;
        Ok(sessions)
    }

    /// The session of a refresh token, if the token is one of its own; both locked.
    pub async fn by_refresh(
        conn: &TenantConn,
        refresh: &Refresh,
        now: Timestamp,
    ) -> Result<Option<(Self, Option<Timestamp>)>> {
        let found = refresh_tokens::table
            .inner_join(
                sessions::table.on(sessions::tenant_id
                    .eq(conn.tenant())
                    .and(sessions::id.eq(refresh_tokens::session_id))),
            )
            .filter(refresh_tokens::tenant_id.eq(conn.tenant()))
            .filter(refresh_tokens::hash.eq(refresh.hash()))
            .filter(sessions::id.eq(refresh.session))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(now))
            .for_update()
            .select((Self::as_select(), refresh_tokens::used_at))
            .first(&mut &*conn)
            .await;
        Ok(found.optional()?)
    }

    /// Used again: it lives on from here.
    pub async fn prolong(
        conn: &TenantConn,
        id: SessionId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        diesel::update(sessions::table)
            .filter(sessions::tenant_id.eq(conn.tenant()))
            .filter(sessions::id.eq(id))
            .set((sessions::last_used_at.eq(now), sessions::expires_at.eq(expires_at)))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    /// Ends one session of a person; true if there was one to end.
    pub async fn end(
        conn: &TenantConn,
        user: UserId,
        id: SessionId,
        by: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let ended = diesel::update(sessions::table)
            .filter(sessions::tenant_id.eq(conn.tenant()))
            .filter(sessions::user_id.eq(user))
            .filter(sessions::id.eq(id))
            .filter(sessions::ended_at.is_null())
            .set((sessions::ended_at.eq(now), sessions::ended_by.eq(by)))
            .execute(&mut &*conn)
            .await?;
        Ok(ended == 1)
    }

    /// Ends all sessions of a person but one.
    pub async fn end_others(
        conn: &TenantConn,
        user: UserId,
        but: Option<SessionId>,
        by: &str,
        now: Timestamp,
    ) -> Result<()> {
        let but = but.map_or(uuid::Uuid::nil(), |session| session.0);
        diesel::update(sessions::table)
            .filter(sessions::tenant_id.eq(conn.tenant()))
            .filter(sessions::user_id.eq(user))
            .filter(sessions::id.ne(but))
            .filter(sessions::ended_at.is_null())
            .set((sessions::ended_at.eq(now), sessions::ended_by.eq(by)))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }
}

/// Keeps a new refresh token, as its hash.
pub async fn keep_refresh(conn: &TenantConn, clock: &Clock, refresh: &Refresh) -> Result<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::tenant_id.eq(conn.tenant()),
            refresh_tokens::id.eq(new_uuid(clock)),
            refresh_tokens::session_id.eq(refresh.session),
            refresh_tokens::hash.eq(refresh.hash()),
            refresh_tokens::created_at.eq(clock.now()),
        ))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// A refresh token had its use.
pub async fn use_refresh(conn: &TenantConn, refresh: &Refresh, now: Timestamp) -> Result<()> {
    diesel::update(refresh_tokens::table)
        .filter(refresh_tokens::tenant_id.eq(conn.tenant()))
        .filter(refresh_tokens::hash.eq(refresh.hash()))
        .set(refresh_tokens::used_at.eq(now))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}
