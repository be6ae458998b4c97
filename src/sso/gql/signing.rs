//! Signing in through an identity provider, in two steps.

use std::time::Duration;

use async_graphql::{Context, Object};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use secrecy::SecretString;

use super::{
    super::{
        Providers,
        model::{self, Attempt, Provider},
        provider::{Handshake, Registration, Trouble},
        rules::{Arrival, Identity, Member, Standing, Step, admit, arrival, granted, refuse},
    },
    types::{SsoFinishInput, SsoStartPayload, redirect},
};
use crate::{
    access::BuiltInRole,
    accounts::{
        Credentials, Membership, NO_PASSWORD, Newcomer, OneTime, OwnRole, RoleId, SessionPayload,
        Sessions, UserId, UserRow, begin_session, join, replace_own_roles, session_answer,
    },
    db::TenantConn,
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Doors, public, refusals},
    ids::new_uuid,
    tenants::{TenantId, TenantRow},
};

const ATTEMPT_LIFE: Duration = Duration::from_mins(10);
const MAX_CODE: usize = 4096;

#[derive(Default)]
pub struct SignOnMutation;

#[Object]
impl SignOnMutation {
    /// Begins to sign a person in through the tenant's identity provider: send them to the
    /// address, within ten minutes. Whether there is such a tenant is not told.
    #[graphql(directive = public::apply())]
    async fn sso_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tenant's short name.")] tenant: String,
        #[graphql(desc = "The provider's name; the first one when absent.")] provider: Option<
            String,
        >,
    ) -> Result<Option<SsoStartPayload>> {
        let payload = match start(ctx, &tenant, provider.as_deref()).await {
            Ok(url) => SsoStartPayload { url: Some(url), ..SsoStartPayload::default() },
            Err(error) => {
                let user_errors = refusals(error)?.into_iter().map(Into::into).collect();
                SsoStartPayload { url: None, user_errors }
            }
        };
        Ok(Some(payload))
    }

    /// Signs in the person whom the identity provider sent back. Each state is good once.
    #[graphql(directive = public::apply())]
    async fn sso_finish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What they came back with.")] input: SsoFinishInput,
    ) -> Result<Option<SessionPayload>> {
        session_answer(finish(ctx, input).await)
    }
}

async fn start(ctx: &Context<'_>, tenant: &str, provider: Option<&str>) -> Result<String> {
    let nothing = || {
        let told = "There is no single sign-on of that name.";
        Error::refused(ErrorCode::NotFound, "tenant", told)
    };
    #[expect(clippy::disallowed_methods, reason = "the tenant is looked up by its name")]
    let conn = ctx.system().await?;
    let tenant = TenantRow::by_slug(conn.pg(), tenant).await?;
    conn.release();
    let tenant = tenant.ok_or_else(nothing)?.id;
    let ring = ctx.session().ring().await?;
    #[expect(clippy::disallowed_methods, reason = "anybody may ask where to prove who they are")]
    let found = ctx.public_write(tenant, None, async |tx| {
        let Some(provider) = Provider::enabled(tx, provider).await? else { return Ok(None) };
        let secret = Provider::secret(provider.id).recall(tx, &ring).await?;
        Ok(secret.map(|secret| (provider, secret)))
    });
    let (provider, secret) = found.await?.ok_or_else(nothing)?;
    let state = OneTime::new(tenant)?;
    let (now, scopes) = (ctx.clock().now(), provider.scopes.clone());
    let url = ctx
        .data_unchecked::<Providers>()
        .sign_in_url(now, &we(ctx, &provider, &secret), scopes, handshake(ctx, &state))
        .await
        .map_err(|trouble| told(tenant, &provider, &trouble))?;
    let attempt = Attempt {
        id: new_uuid(ctx.clock()),
        provider_id: provider.id,
        hash: state.hash(),
        expires_at: now.plus(ATTEMPT_LIFE),
    };
    #[expect(clippy::disallowed_methods, reason = "as above; nothing comes of it by itself")]
    ctx.public_write(tenant, None, async |tx| attempt.begin(tx, now).await).await?;
    Ok(url)
}

async fn finish(ctx: &Context<'_>, input: SsoFinishInput) -> Result<SessionPayload> {
    let dead = || {
        let told = "The sign-in was finished, has expired, or was never begun. Begin again.";
        Error::refused(ErrorCode::Expired, "state", told)
    };
    let state = OneTime::read(&input.state).ok_or_else(dead)?;
    if input.code.len() > MAX_CODE {
        return Err(Error::refused(ErrorCode::TooLong, "code", "This is no code."));
    }
    ctx.session().let_go().await?;
    let (now, tenant) = (ctx.clock().now(), state.tenant);
    let ring = ctx.session().ring().await?;
    // Whatever comes of it, the state is used.
    #[expect(clippy::disallowed_methods, reason = "the state is one of ours, and is checked")]
    let taken = ctx.public_write(tenant, None, async |tx| {
        let Some(id) = Attempt::take(tx, &state.hash(), now).await? else { return Ok(None) };
        let provider = Provider::find(tx, id).await?;
        let secret = Provider::secret(id).recall(tx, &ring).await?;
        Ok(secret.filter(|_| provider.enabled).map(|secret| (provider, secret)))
    });
    let (provider, secret) = taken.await?.ok_or_else(dead)?;
    if input.iss.is_some_and(|iss| iss != provider.issuer) {
        return Err(refuse("Another identity provider than the one that was asked has answered."));
    }
    let claims = ctx
        .data_unchecked::<Providers>()
        .redeem(now, &we(ctx, &provider, &secret), input.code, handshake(ctx, &state))
        .await
        .map_err(|trouble| told(tenant, &provider, &trouble))?;
    let claim = provider.roles_claim.as_deref();
    let roles = granted(&claims, claim, &provider.role_mappings, &provider.default_role_ids);
    let entry = Entry { ctx, tenant, provider: &provider, arrival: arrival(&claims)?, roles };
    let user = match entry.settle().await {
        // Two first sign-ins of one person at once: the second one finds them known.
        Err(Error::Refused(problems)) if is_race(&problems) => entry.settle().await?,
        settled => settled?,
    };
    ctx.data_unchecked::<Sessions>().forget();
    begin_session(ctx, tenant, user, None).await
}

fn is_race(problems: &[Problem]) -> bool {
    problems.iter().all(|problem| problem.code == ErrorCode::Duplicate)
}

/// What the two steps have in common besides the state is made from it and a secret of ours: the
/// state travels through browser and provider, the verifier must not.
fn handshake(ctx: &Context<'_>, state: &OneTime) -> Handshake {
    let state = state.text();
    let derived =
        |what: &[u8]| BASE64.encode(ctx.session().keys().sign_on(&[what, b"\0", state.as_bytes()]));
    Handshake { nonce: derived(b"nonce"), verifier: derived(b"verifier"), state }
}

fn we<'a>(
    ctx: &Context<'_>,
    provider: &'a Provider,
    client_secret: &'a SecretString,
) -> Registration<'a> {
    let Provider { issuer, client_id, .. } = provider;
    Registration { issuer, client_id, client_secret, redirect: redirect(ctx) }
}

/// The log says what is wrong with the provider; the person can only try again.
fn told(tenant: TenantId, provider: &Provider, trouble: &Trouble) -> Error {
    let (tenant, provider) = (tenant.to_string(), provider.id.to_string());
    tracing::warn!(tenant, provider, error = %trouble, "sso.provider.failed");
    refuse(
        "The identity provider could not be reached, or its answer is not to be trusted. Try again.",
    )
}

/// Somebody whom a provider vouches for comes in.
struct Entry<'a, 'c> {
    ctx: &'a Context<'c>,
    tenant: TenantId,
    provider: &'a Provider,
    arrival: Arrival,
    roles: Vec<RoleId>,
}

impl Entry<'_, '_> {
    /// Whoever they are, they may sign in when this is done.
    async fn settle(&self) -> Result<UserId> {
        let (known, account) = self.who().await?;
        let user = known.unwrap_or_else(|| UserId::new(self.ctx.clock()));
        #[expect(clippy::disallowed_methods, reason = "the provider has told who it is")]
        self.ctx
            .public_write(self.tenant, Some(user), async |tx| {
                let standing = self.standing(tx, user, account).await?;
                let step = admit(standing, !self.roles.is_empty())?;
                if step == Step::Join && known.is_some() {
                    // A tenant's provider vouches for its own people, and not for somebody else's.
                    let told = "There is an account with your e-mail address. Ask an administrator \
                        for an invitation, and accept it with your password.";
                    return Err(Error::refused(ErrorCode::Duplicate, "state", told));
                }
                if step == Step::Join {
                    let Arrival { email, name, .. } = &self.arrival;
                    let created_at = self.ctx.clock().now();
                    let password_hash = NO_PASSWORD;
                    Newcomer { id: user, email, name, password_hash, created_at }
                        .insert(tx)
                        .await?;
                }
                self.take(tx, user, step).await
            })
            .await?;
        Ok(user)
    }

    /// The person whom the subject stands for, else whose address it is; and whether their
    /// account is active.
    async fn who(&self) -> Result<(Option<UserId>, bool)> {
        let Arrival { subject, email, .. } = &self.arrival;
        #[expect(clippy::disallowed_methods, reason = "as above")]
        let identity = self.ctx.public_write(self.tenant, None, async |tx| {
            model::Identity::of_subject(tx, self.provider.id, subject).await
        });
        if let Some(identity) = identity.await? {
            return Ok((Some(identity.user_id), true));
        }
        #[expect(clippy::disallowed_methods, reason = "the person may have an account already")]
        let conn = self.ctx.system().await?;
        let found = Credentials::of(conn.pg(), email).await?;
        conn.release();
        Ok(found.map_or((None, true), |found| (Some(found.user), found.active)))
    }

    async fn standing(&self, tx: &TenantConn, user: UserId, account: bool) -> Result<Standing> {
        let member = match Membership::lock(tx, user).await {
            Ok(membership) => Some(membership),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error),
        };
        let here = UserRow::find(tx, user).await?;
        let identity = model::Identity::of_user(tx, self.provider.id, user).await?;
        Ok(Standing {
            active: here.map_or(account, |user| user.active),
            member: member.map(|member| Member {
                deactivated: member.deactivated_at.is_some(),
                owner: member.roles.iter().any(|role| role == BuiltInRole::Owner.name()),
            }),
            identity: identity.map(|known| match known.subject == self.arrival.subject {
                true => Identity::Same { managed: known.managed },
                false => Identity::Other,
            }),
        })
    }

    async fn take(&self, tx: &TenantConn, user: UserId, step: Step) -> Result<()> {
        let clock = self.ctx.clock();
        if matches!(step, Step::Join | Step::Follow) {
            let (built_in, own) = existing(tx, &self.roles).await?;
            match step {
                Step::Join => {
                    let names: Vec<String> = built_in.iter().map(|&name| name.into()).collect();
                    join(tx, user, &names, clock.now()).await?;
                }
                _ => Membership::set_roles(tx, user, built_in).await?,
            }
            replace_own_roles(tx, clock, user, &own).await?;
        }
        if matches!(step, Step::Join | Step::Link) {
            let subject = self.arrival.subject.clone();
            model::Identity { subject, user_id: user, managed: step == Step::Join }
                .insert(tx, clock, self.provider.id)
                .await?;
        }
        Ok(())
    }
}

/// Those that exist: a mapping may outlive a role. Never OWNER, whatever the row says.
async fn existing(tx: &TenantConn, ids: &[RoleId]) -> Result<(Vec<&'static str>, Vec<RoleId>)> {
    let built_in = ids.iter().filter_map(|id| BuiltInRole::by_id(*id));
    let built_in: Vec<_> =
        built_in.filter(|role| *role != BuiltInRole::Owner).map(BuiltInRole::name).collect();
    if built_in.is_empty() {
        return Err(refuse("The identity provider gives you no role here. Ask an administrator."));
    }
    let own = OwnRole::by_ids(tx, ids).await?;
    Ok((built_in, own.into_iter().map(|role| role.id).collect()))
}
