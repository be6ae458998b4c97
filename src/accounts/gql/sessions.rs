use async_graphql::{Context, InputObject, Many, Object, SimpleObject};
use serde_json::json;

use super::{
    super::{
        Passwords, SessionId, Sessions, Token, UserId,
        model::{self, NewSession, Standing, keep_refresh, use_refresh},
        roles,
        rules::{Refreshing, SESSION_LIFE, refreshing},
        token::{Bearer, Refresh},
    },
    proofs::{Claim, Second, from_where, wrong},
    types::{Session, Viewer},
};
use crate::{
    access::{self, Permission::*},
    audit::{Event, note},
    clock::Timestamp,
    db::{Deleted, TenantConn},
    error::{Error, ErrorCode, Result},
    graphql::{DeletePayload, Doors, UserError, public, refusals, requires},
    tenants::{TenantId, TenantRow},
};

#[derive(Default)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// Who is signed in; null without a token.
    #[graphql(directive = public::apply())]
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        ctx.session().viewer().cloned().map(Viewer)
    }

    /// One's own sign-ins that live, the newest first.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Option<Many<Session>>> {
        let conn = ctx.read(AccountUse).await?;
        let (viewer, now) = (ctx.viewer()?, ctx.clock().now());
        let rows = model::Session::of_user(&conn, viewer.person()?, now).await?;
        Ok(Some(rows.into_iter().map(|row| Session(row, viewer.session)).collect()))
    }
}

/// Who wants to sign in.
#[derive(InputObject)]
pub struct SignInInput {
    /// The e-mail address.
    email: String,
    /// The password.
    #[graphql(secret)]
    password: String,
    /// The tenant's short name, for people who work in several.
    tenant: Option<String>,
    /// The code of the second factor, or a recovery code, for people who have one.
    #[graphql(secret)]
    totp: Option<String>,
}

/// A session, or why there is none.
#[derive(Default, SimpleObject)]
pub struct SessionPayload {
    /// Send it as `Authorization: Bearer …`.
    access_token: Option<String>,
    /// Good for a new access token, once: `sessionRefresh` gives the next one with it.
    refresh_token: Option<String>,
    /// When the access token ends.
    expires_at: Option<Timestamp>,
    /// Who is now signed in.
    viewer: Option<Viewer>,
    /// Why nobody is.
    user_errors: Many<UserError>,
}

/// The answer to the end of a session.
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// Why it did not end; empty when it did.
    user_errors: Many<UserError>,
}

/// The answer to a change of one's password.
#[derive(SimpleObject)]
pub struct PasswordChangePayload {
    /// Why it was not changed; empty when it was.
    user_errors: Many<UserError>,
}

#[derive(Default)]
pub struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Signs a person in.
    #[graphql(directive = public::apply())]
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignInInput,
    ) -> Result<Option<SessionPayload>> {
        answer(sign_in(ctx, input).await)
    }

    /// A new access token and the next refresh token for the one that is sent. Sent twice within
    /// ten seconds it gives the same again; sent later it ends the session, because somebody else
    /// has it.
    #[graphql(directive = public::apply())]
    async fn session_refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The newest refresh token.", secret)] refresh_token: String,
    ) -> Result<Option<SessionPayload>> {
        answer(refresh(ctx, &refresh_token).await)
    }

    /// Ends the session that asks: its tokens are good for nothing from now on.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<Option<SignOutPayload>> {
        let viewer = ctx.viewer()?.clone();
        let ended = ctx.write(AccountUse, async |tx| {
            if let Some(session) = viewer.session {
                let (user, now) = (viewer.person()?, ctx.clock().now());
                model::Session::end(tx, user, session, "SIGNED_OUT", now).await?;
                note(tx, Event::SignedOut, user, from_where(ctx)).await?;
            }
            Ok(Deleted(viewer.session.unwrap_or(SessionId(uuid::Uuid::nil()))))
        });
        let user_errors = errors_of(ended.await)?;
        ctx.data_unchecked::<Sessions>().forget();
        Ok(Some(SignOutPayload { user_errors }))
    }

    /// Ends one of one's own sessions.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn session_revoke(
        &self,
        ctx: &Context<'_>,
        id: SessionId,
    ) -> Result<Option<DeletePayload>> {
        let ended = ctx.write(AccountUse, async |tx| {
            let (user, now) = (ctx.viewer()?.person()?, ctx.clock().now());
            if !model::Session::end(tx, user, id, "REVOKED", now).await? {
                return Err(Error::NotFound);
            }
            note(tx, Event::SessionEnded, user, json!({ "why": "REVOKED" })).await?;
            Ok(Deleted(id))
        });
        let payload = DeletePayload::of(ended.await);
        ctx.data_unchecked::<Sessions>().forget();
        payload
    }

    /// Changes one's password, and ends one's other sessions.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn password_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password until now.", secret)] password: String,
        #[graphql(desc = "The password from now on.", secret)] new_password: String,
    ) -> Result<Option<PasswordChangePayload>> {
        let changed = change_password(ctx, password, new_password).await;
        ctx.data_unchecked::<Sessions>().forget();
        Ok(Some(PasswordChangePayload { user_errors: errors_of(changed)? }))
    }
}

pub fn answer(result: Result<SessionPayload>) -> Result<Option<SessionPayload>> {
    match result {
        Ok(payload) => Ok(Some(payload)),
        Err(error) => {
            let user_errors = refusals(error)?.into_iter().map(Into::into).collect();
            Ok(Some(SessionPayload { user_errors, ..SessionPayload::default() }))
        }
    }
}

fn errors_of<T>(result: Result<T>) -> Result<Many<UserError>> {
    let problems = match result {
        Ok(_) => Vec::new(),
        Err(error) => refusals(error)?,
    };
    Ok(problems.into_iter().map(Into::into).collect())
}

async fn sign_in(ctx: &Context<'_>, input: SignInInput) -> Result<SessionPayload> {
    let claim = Claim::by_email(ctx, &input.email).await?;
    let (user, second) = claim.both(ctx, input.password, input.totp).await?;
    let tenant = choose(claim.places, input.tenant.as_deref())?.id;
    begin_session(ctx, tenant, user, second).await
}

/// A session of a person who has just shown who they are.
pub async fn begin_session(
    ctx: &Context<'_>,
    tenant: TenantId,
    user: UserId,
    second: Second,
) -> Result<SessionPayload> {
    let (now, session) = (ctx.clock().now(), SessionId::new(ctx.clock()));
    let caller = ctx.session().caller();
    let refresh = Refresh::first(ctx.session().keys(), ctx.clock(), tenant, session);
    #[expect(clippy::disallowed_methods, reason = "the person has just shown who they are")]
    ctx.public_write(tenant, Some(user), async |tx| {
        let new = NewSession {
            id: session,
            user_id: user,
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(SESSION_LIFE),
            address: caller.address.map(|address| address.to_string()),
            user_agent: caller.user_agent.clone(),
            second_factor_at: second.map(|_| now),
        };
        model::Session::insert(tx, new).await?;
        keep_refresh(tx, ctx.clock(), &refresh).await?;
        may_come(ctx, tx, Bearer { user, tenant, session }).await?;
        let mut details = from_where(ctx);
        details["secondFactor"] = json!(second);
        note(tx, Event::SignedIn, user, details).await
    })
    .await?;
    signed_in(ctx, Bearer { user, tenant, session }, refresh).await
}

/// A session that nobody could use is none.
async fn may_come(ctx: &Context<'_>, tx: &TenantConn, bearer: Bearer) -> Result<()> {
    let standing = Standing::of(tx, bearer.session, bearer.user, ctx.clock().now()).await?;
    let Some(standing) = standing else {
        return Err(wrong("You do not work in this tenant any more."));
    };
    match roles::viewer(bearer, standing).may_come_from(ctx.session().caller().address) {
        true => Ok(()),
        false => Err(wrong("Administrators sign in from known addresses only.")),
    }
}

async fn refresh(ctx: &Context<'_>, text: &str) -> Result<SessionPayload> {
    let ended = || wrong("The session has ended; sign in again.");
    let sent = Refresh::read(text).ok_or_else(ended)?;
    let next = sent.successor(ctx.session().keys());
    let now = ctx.clock().now();
    #[expect(clippy::disallowed_methods, reason = "the refresh token is the proof, and is checked")]
    let user = ctx.public_write(sent.tenant, None, async |tx: &TenantConn| {
        let Some((session, used_at)) = model::Session::by_refresh(tx, &sent, now).await? else {
            return Ok(None);
        };
        let user = session.user_id;
        may_come(ctx, tx, Bearer { user, tenant: sent.tenant, session: session.id }).await?;
        match refreshing(used_at, now) {
            Refreshing::Replace => {
                use_refresh(tx, &sent, now).await?;
                keep_refresh(tx, ctx.clock(), &next).await?;
                model::Session::prolong(tx, session.id, now, now.plus(SESSION_LIFE)).await?;
            }
            Refreshing::Repeat => {}
            Refreshing::Stolen => {
                model::Session::end(tx, user, session.id, "TOKEN_REUSED", now).await?;
                note(tx, Event::SessionEnded, user, json!({ "why": "TOKEN_REUSED" })).await?;
                return Ok(None);
            }
        }
        Ok(Some(user))
    });
    let Some(user) = user.await? else {
        ctx.data_unchecked::<Sessions>().forget();
        return Err(ended());
    };
    signed_in(ctx, Bearer { user, tenant: sent.tenant, session: sent.session }, next).await
}

/// The tokens, and who stands behind them; a person who may not sign in any more has none.
async fn signed_in(ctx: &Context<'_>, bearer: Bearer, refresh: Refresh) -> Result<SessionPayload> {
    let session = ctx.session();
    let token = Token::issue(&*session.ring().await?, ctx.clock(), bearer)?;
    let viewer = session.viewer_behind(ctx.data_unchecked::<Sessions>(), &token.text).await?;
    session.sign_in(viewer.clone());
    Ok(SessionPayload {
        access_token: Some(token.text),
        refresh_token: Some(refresh.text()),
        expires_at: Some(token.expires_at),
        viewer: Some(Viewer(viewer)),
        user_errors: Many::default(),
    })
}

async fn change_password(ctx: &Context<'_>, old: String, new: String) -> Result<()> {
    let access::Viewer { session, .. } = ctx.allow(AccountUse)?.clone();
    let user = Claim::again(ctx, ctx.viewer()?.person()?).await?.password(ctx, old).await?;
    let new = ctx.data_unchecked::<Passwords>().hash_new("newPassword", new).await?;
    let changed = ctx.write(AccountUse, async |tx| {
        model::User::set_password(tx, user, &new).await?;
        let now = ctx.clock().now();
        model::Session::end_others(tx, user, session, "PASSWORD_CHANGED", now).await?;
        note(tx, Event::PasswordChanged, user, from_where(ctx)).await?;
        Ok(Deleted(user))
    });
    let _: Deleted<UserId> = changed.await?;
    end_elsewhere(ctx, user, "PASSWORD_CHANGED").await
}

/// The password is the person's, and so are their sessions in other tenants.
async fn end_elsewhere(ctx: &Context<'_>, user: UserId, why: &str) -> Result<()> {
    let (here, now) = (ctx.viewer()?.tenant, ctx.clock().now());
    #[expect(clippy::disallowed_methods, reason = "a person works in several tenants")]
    let conn = ctx.system().await?;
    let places = model::places(conn.pg(), user).await;
    conn.release();
    for (tenant, _) in places?.into_iter().filter(|(tenant, _)| tenant.id != here) {
        #[expect(clippy::disallowed_methods, reason = "as above, in each of them")]
        ctx.public_write(tenant.id, Some(user), async |tx| {
            model::Session::end_others(tx, user, None, why, now).await?;
            note(tx, Event::PasswordChanged, user, json!({ "where": "in another tenant" })).await
        })
        .await?;
    }
    Ok(())
}

type Place = (TenantRow, Vec<String>);

/// The place that was named, or the only one.
fn choose(places: Vec<Place>, named: Option<&str>) -> Result<TenantRow> {
    let mut tenants: Vec<TenantRow> = places.into_iter().map(|(tenant, _)| tenant).collect();
    match named {
        Some(slug) => tenants.into_iter().find(|tenant| tenant.slug == slug).ok_or_else(|| {
            let told = "You do not work in a tenant of that name.";
            Error::refused(ErrorCode::NotFound, "tenant", told)
        }),
        None if tenants.len() == 1 => Ok(tenants.remove(0)),
        None => {
            let slugs: Vec<_> = tenants.iter().map(|tenant| tenant.slug.as_str()).collect();
            let told = format!("say in which tenant: {}", slugs.join(", "));
            Err(Error::refused(ErrorCode::Required, "tenant", &told))
        }
    }
}
