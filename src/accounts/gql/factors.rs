use async_graphql::{Context, Object, SimpleObject};
use serde_json::json;

use super::{
    super::{
        Sessions, UserId,
        factor::{Seed, Shown, recovery_codes, recovery_hash},
        model::{self, Factor, FactorState, Membership, replace_recovery_codes, step_up},
    },
    people::{UserPayload, may_decide_about, works_here_only},
    proofs::Claim,
    types::User,
};
use crate::{
    access::Permission::*,
    audit::{Event, note},
    clock::Timestamp,
    db::Deleted,
    error::{Error, ErrorCode, Result},
    graphql::{Doors, UserError, refusals, requires},
    jobs::NO_TENANT,
};

/// One's second factor.
#[derive(SimpleObject)]
pub struct SecondFactor {
    /// Since when signing in takes it; null: it does not.
    enabled_at: Option<Timestamp>,
    /// How many recovery codes are left.
    recovery_codes_left: i32,
}

/// What an authenticator needs to know.
#[derive(Default, SimpleObject)]
pub struct TotpEnrolPayload {
    /// To be typed into an authenticator. Shown once.
    secret: Option<String>,
    /// The same as an address; a picture of it (a QR code) is what authenticators read.
    uri: Option<String>,
    /// Why there is none; empty when there is.
    user_errors: async_graphql::Many<UserError>,
}

/// Recovery codes, or why there are none.
#[derive(Default, SimpleObject)]
pub struct RecoveryCodesPayload {
    /// Each is good once, in place of a code of the authenticator. Shown once; null where a repeat
    /// (`Idempotency-Key`) of the request asks again.
    recovery_codes: Option<Vec<String>>,
    /// Why there are none; empty when there are.
    user_errors: async_graphql::Many<UserError>,
}

/// The answer to a change of one's second factor.
#[derive(Default, SimpleObject)]
pub struct SecondFactorPayload {
    /// Why nothing was changed; empty when it was.
    user_errors: async_graphql::Many<UserError>,
}

#[derive(Default)]
pub struct FactorQuery;

#[Object]
impl FactorQuery {
    /// One's second factor.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn second_factor(&self, ctx: &Context<'_>) -> Result<Option<SecondFactor>> {
        let conn = ctx.read(AccountUse).await?;
        let FactorState { confirmed_at: enabled_at, codes_left } =
            FactorState::of(&conn, ctx.viewer()?.person()?).await?;
        let recovery_codes_left = i32::try_from(codes_left).unwrap_or_default();
        Ok(Some(SecondFactor { enabled_at, recovery_codes_left }))
    }
}

#[derive(Default)]
pub struct FactorMutation;

#[Object]
impl FactorMutation {
    /// Begins a second factor: give the secret to an authenticator, then confirm with its code.
    /// Until then signing in does not take it.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn totp_enrol(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "One's password.", secret)] password: String,
    ) -> Result<Option<TotpEnrolPayload>> {
        let payload = match enrol(ctx, password).await {
            Ok(seed) => TotpEnrolPayload {
                secret: Some(seed.text()),
                uri: Some(seed.uri()?),
                ..TotpEnrolPayload::default()
            },
            Err(error) => TotpEnrolPayload {
                user_errors: refusals(error)?.into_iter().map(Into::into).collect(),
                ..TotpEnrolPayload::default()
            },
        };
        Ok(Some(payload))
    }

    /// Confirms a second factor with a code of the authenticator: from now on signing in takes
    /// it. The recovery codes are for the day the authenticator is lost.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn totp_confirm(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code that the authenticator shows.", secret)] code: String,
    ) -> Result<Option<RecoveryCodesPayload>> {
        codes(confirm(ctx, code).await)
    }

    /// Takes one's second factor away.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn totp_disable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "One's password.", secret)] password: String,
    ) -> Result<Option<SecondFactorPayload>> {
        done(disable(ctx, password).await)
    }

    /// New recovery codes in place of the old ones.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn recovery_codes_replace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "One's password.", secret)] password: String,
    ) -> Result<Option<RecoveryCodesPayload>> {
        codes(replace_codes(ctx, password).await)
    }

    /// Shows one's second factor again, for what the tenant wants a fresh one for
    /// (`securityPolicy`). It is fresh for ten minutes, in this session.
    #[graphql(directive = requires::apply(AccountUse))]
    async fn step_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A code of the authenticator, or a recovery code.", secret)] totp: String,
    ) -> Result<Option<SecondFactorPayload>> {
        done(stepped_up(ctx, totp).await)
    }

    /// Takes the second factor of a person away who has lost it. Somebody who works in other
    /// tenants too does it themselves: no tenant decides for another.
    #[graphql(directive = requires::apply(UserManage))]
    async fn user_totp_reset(&self, ctx: &Context<'_>, id: UserId) -> Result<Option<UserPayload>> {
        let user = ctx.write(UserManage, async |tx| {
            Membership::lock(tx, id).await?;
            may_decide_about(ctx, tx, id).await?;
            works_here_only(tx, id).await?;
            if !Factor::delete(tx, id).await? {
                let told = "They have no second factor.";
                return Err(Error::refused(ErrorCode::InvalidTransition, "id", told));
            }
            note(tx, Event::TotpDisabled, id, json!({ "by": "administrator" })).await?;
            model::User::find(tx, id).await?.ok_or(Error::NotFound)
        });
        let user = user.await;
        if user.is_ok() {
            forget_seed(ctx, id).await?;
        }
        UserPayload::of(user.map(User))
    }
}

async fn enrol(ctx: &Context<'_>, password: String) -> Result<Seed> {
    let user = ctx.allow(AccountUse)?.person()?;
    Claim::again(ctx, user).await?.password(ctx, password).await?;
    #[expect(clippy::disallowed_methods, reason = "a person is of no tenant")]
    let conn = ctx.system().await?;
    let email = model::User::email(conn.pg(), user).await;
    conn.release();
    let seed = Seed::new(&email?)?;
    let ring = ctx.session().ring().await?;
    #[expect(clippy::disallowed_methods, reason = "a person's second factor is of no tenant")]
    ctx.public_write(NO_TENANT, Some(user), async |tx| {
        if !Factor::begin(tx, user, ctx.clock().now()).await? {
            let told = "You have a second factor; take it away first.";
            return Err(Error::refused(ErrorCode::InvalidTransition, "password", told));
        }
        Seed::place(user).keep(tx, ctx.clock(), &ring, &seed.text().into()).await
    })
    .await?;
    Ok(seed)
}

async fn confirm(ctx: &Context<'_>, code: String) -> Result<Option<Vec<String>>> {
    let viewer = ctx.allow(AccountUse)?.clone();
    let user = viewer.person()?;
    let claim = Claim::again(ctx, user).await?;
    if !matches!(Shown::read(&code), Shown::Code(_)) {
        return Err(Error::refused(ErrorCode::TotpRequired, "code", "A code has six digits."));
    }
    claim.factor(ctx, user, code).await?;
    let (codes, now) = (recovery_codes()?, ctx.clock().now());
    // Of a repeat the codes are not shown again: those are not the ones that were kept.
    let mut kept = None;
    let confirmed = ctx.write(AccountUse, async |tx| {
        if !Factor::confirm(tx, user, now).await? {
            let told = "There is nothing to confirm.";
            return Err(Error::refused(ErrorCode::InvalidTransition, "code", told));
        }
        let hashes = codes.iter().map(|code| recovery_hash(user, code)).collect();
        replace_recovery_codes(tx, user, hashes).await?;
        if let Some(session) = viewer.session {
            step_up(tx, session, now).await?;
        }
        note(tx, Event::TotpEnabled, user, json!({})).await?;
        kept = Some(codes);
        Ok(Deleted(user))
    });
    let confirmed = confirmed.await;
    ctx.data_unchecked::<Sessions>().forget();
    confirmed.map(|_: Deleted<UserId>| kept)
}

async fn disable(ctx: &Context<'_>, password: String) -> Result<()> {
    let user = ctx.allow(AccountUse)?.person()?;
    Claim::again(ctx, user).await?.password(ctx, password).await?;
    let disabled = ctx.write(AccountUse, async |tx| {
        if !Factor::delete(tx, user).await? {
            let told = "You have no second factor.";
            return Err(Error::refused(ErrorCode::InvalidTransition, "password", told));
        }
        note(tx, Event::TotpDisabled, user, json!({})).await?;
        Ok(Deleted(user))
    });
    let _: Deleted<UserId> = disabled.await?;
    forget_seed(ctx, user).await
}

/// The seed of somebody who has no second factor any more.
async fn forget_seed(ctx: &Context<'_>, user: UserId) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a person's second factor is of no tenant")]
    ctx.public_write(NO_TENANT, Some(user), async |tx| Seed::place(user).forget(tx).await).await
}

async fn replace_codes(ctx: &Context<'_>, password: String) -> Result<Option<Vec<String>>> {
    let user = ctx.allow(AccountUse)?.person()?;
    Claim::again(ctx, user).await?.password(ctx, password).await?;
    let codes = recovery_codes()?;
    let mut kept = None;
    let replaced = ctx.write(AccountUse, async |tx| {
        let factor = Factor::find(tx, user).await?;
        if factor.is_none_or(|factor| factor.confirmed_at.is_none()) {
            let told = "You have no second factor.";
            return Err(Error::refused(ErrorCode::InvalidTransition, "password", told));
        }
        let hashes = codes.iter().map(|code| recovery_hash(user, code)).collect();
        replace_recovery_codes(tx, user, hashes).await?;
        note(tx, Event::RecoveryCodesReplaced, user, json!({})).await?;
        kept = Some(codes);
        Ok(Deleted(user))
    });
    let replaced = replaced.await;
    replaced.map(|_: Deleted<UserId>| kept)
}

async fn stepped_up(ctx: &Context<'_>, totp: String) -> Result<()> {
    let viewer = ctx.allow(AccountUse)?.clone();
    let user = viewer.person()?;
    let second = Claim::again(ctx, user).await?.factor(ctx, user, totp).await?;
    let done = ctx.write(AccountUse, async |tx| {
        let confirmed = Factor::find(tx, user).await?.and_then(|factor| factor.confirmed_at);
        let Some((session, _)) = viewer.session.zip(confirmed) else {
            let told = "You have no second factor; `totpEnrol` begins one.";
            return Err(Error::refused(ErrorCode::TotpRequired, "totp", told));
        };
        step_up(tx, session, ctx.clock().now()).await?;
        note(tx, Event::SteppedUp, user, json!({ "secondFactor": second })).await?;
        Ok(Deleted(user))
    });
    let done = done.await;
    ctx.data_unchecked::<Sessions>().forget();
    done.map(|_: Deleted<UserId>| ())
}

fn codes(result: Result<Option<Vec<String>>>) -> Result<Option<RecoveryCodesPayload>> {
    let (recovery_codes, problems) = match result {
        Ok(codes) => (codes, Vec::new()),
        Err(error) => (None, refusals(error)?),
    };
    let user_errors = problems.into_iter().map(Into::into).collect();
    Ok(Some(RecoveryCodesPayload { recovery_codes, user_errors }))
}

fn done(result: Result<()>) -> Result<Option<SecondFactorPayload>> {
    let problems = result.map_or_else(refusals, |()| Ok(Vec::new()))?;
    let user_errors = problems.into_iter().map(Into::into).collect();
    Ok(Some(SecondFactorPayload { user_errors }))
}
