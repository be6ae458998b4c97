//! Showing that one is who one says: the password, and the second factor where there is one.

use async_graphql::Context;
use serde_json::json;

use super::super::{
    Passwords, UserId,
    attempts::Attempt,
    factor::{Seed, Shown, recovery_hash},
    model::{self, Credentials, Factor, use_recovery_code},
};
use crate::{
    audit::{Event, note},
    clock::Timestamp,
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Caller, Doors},
    jobs::{NO_TENANT, Writing},
    tenants::TenantRow,
};

/// How the second factor was shown.
pub type Second = Option<&'static str>;

/// Somebody who says who they are.
pub struct Claim {
    attempt: Attempt,
    found: Option<Credentials>,
    /// Where they work.
    pub places: Vec<(TenantRow, Vec<String>)>,
}

impl Claim {
    /// By e-mail address. Refused while too much was guessed; whether there is such an account is
    /// not asked.
    pub async fn by_email(ctx: &Context<'_>, email: &str) -> Result<Self> {
        let attempt = Attempt::new(email, ctx.session().caller().address);
        Self::admitted(ctx, attempt, email).await
    }

    /// Somebody who is signed in, and shows it again.
    pub async fn again(ctx: &Context<'_>, user: UserId) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "a person is of no tenant")]
        let conn = ctx.system().await?;
        let email = model::User::email(conn.pg(), user).await;
        conn.release();
        Self::by_email(ctx, &email?).await
    }

    async fn admitted(ctx: &Context<'_>, attempt: Attempt, email: &str) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the tenant is known after the password")]
        let conn = ctx.system().await?;
        if let Err(refused) = attempt.admit(&conn, ctx.clock().now()).await {
            conn.release();
            return Err(refused);
        }
        let found = Credentials::of(conn.pg(), email.trim()).await?;
        // Nobody's places take as long to find.
        let user = found.as_ref().map_or(UserId(uuid::Uuid::nil()), |found| found.user);
        let places = model::places(conn.pg(), user).await?;
        conn.release();
        Ok(Self { attempt, found, places })
    }

    pub fn is_known(&self) -> bool {
        self.found.is_some()
    }

    /// Shows the password alone: for what one does to one's own account.
    pub async fn password(&self, ctx: &Context<'_>, password: String) -> Result<UserId> {
        let user = self.right_password(ctx, password).await?;
        self.succeeded(ctx).await?;
        Ok(user)
    }

    /// Shows the password, and the second factor where there is one.
    pub async fn both(
        &self,
        ctx: &Context<'_>,
        password: String,
        totp: Option<String>,
    ) -> Result<(UserId, Second)> {
        let user = self.right_password(ctx, password).await?;
        #[expect(clippy::disallowed_methods, reason = "a person is of no tenant")]
        let conn = ctx.system().await?;
        let factor = Factor::of(conn.pg(), user).await;
        conn.release();
        let second = match factor? {
            Some(Factor { confirmed_at: Some(_) }) => self.right_factor(ctx, user, totp).await?,
            _ => None,
        };
        self.succeeded(ctx).await?;
        Ok((user, second))
    }

    /// Shows the second factor alone: for a session that has shown the password.
    pub async fn factor(&self, ctx: &Context<'_>, user: UserId, totp: String) -> Result<Second> {
        let second = self.right_factor(ctx, user, Some(totp)).await?;
        self.succeeded(ctx).await?;
        Ok(second)
    }

    /// Hashing takes long: nobody's connection waits for it.
    async fn right_password(&self, ctx: &Context<'_>, password: String) -> Result<UserId> {
        ctx.session().let_go().await?;
        let hash = self.found.as_ref().map(|found| found.password_hash.clone());
        let passwords = ctx.data_unchecked::<Passwords>();
        let right = match passwords.verify(password.into(), hash).await {
            Err(full @ Error::Limited { .. }) => {
                self.take_back(ctx).await?;
                return Err(full);
            }
            verified => verified?,
        };
        match &self.found {
            Some(Credentials { user, active: true, .. }) if right => Ok(*user),
            _ => {
                self.failed(ctx).await;
                Err(wrong("The e-mail address or the password is wrong."))
            }
        }
    }

    async fn right_factor(
        &self,
        ctx: &Context<'_>,
        user: UserId,
        totp: Option<String>,
    ) -> Result<Second> {
        let refused = |told: &str| Error::refused(ErrorCode::TotpRequired, "totp", told);
        let Some(totp) = totp.filter(|text| !text.trim().is_empty()) else {
            // The first of two steps is no failure.
            self.take_back(ctx).await?;
            return Err(refused("Give the code of your authenticator, or a recovery code."));
        };
        // Codes are short: whoever guesses them is slowed down wherever they come from.
        let (codes, now) = (Attempt::of_codes(user), ctx.clock().now());
        #[expect(clippy::disallowed_methods, reason = "counts before the code is looked at")]
        let conn = ctx.system().await?;
        let admitted = codes.admit(&conn, now).await;
        conn.release();
        admitted?;
        match show(ctx, user, &totp, now).await? {
            None => {
                self.failed(ctx).await;
                Err(refused("The code is wrong, or was used before."))
            }
            second => {
                #[expect(clippy::disallowed_methods, reason = "forgets what was counted")]
                let conn = ctx.system().await?;
                codes.succeeded(&conn, now).await?;
                conn.release();
                Ok(second)
            }
        }
    }

    /// It was no failure, and no success either.
    pub async fn take_back(&self, ctx: &Context<'_>) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "takes back what was counted")]
        let conn = ctx.system().await?;
        self.attempt.take_back(&conn, ctx.clock().now()).await?;
        conn.release();
        Ok(())
    }

    /// It is counted already; the trail of every tenant that the person works in hears of it after
    /// the answer, so that the time does not tell whether there is such a person.
    async fn failed(&self, ctx: &Context<'_>) {
        let Some(user) = self.found.as_ref().map(|found| found.user) else { return };
        let details = from_where(ctx);
        for (tenant, _) in &self.places {
            let details = details.clone();
            let write: Writing = Box::new(move |tx| {
                let details = details.clone();
                Box::pin(async move { note(tx, Event::SignInFailed, user, details).await })
            });
            ctx.session().later(tenant.id, None, write).await;
        }
    }

    /// What was counted against them here is forgotten.
    async fn succeeded(&self, ctx: &Context<'_>) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "forgets what was counted")]
        let conn = ctx.system().await?;
        self.attempt.succeeded(&conn, ctx.clock().now()).await?;
        conn.release();
        Ok(())
    }
}

/// Takes a code, or a recovery code, of a person; `None`: it is none, or was used before.
async fn show(ctx: &Context<'_>, user: UserId, totp: &str, now: Timestamp) -> Result<Second> {
    let ring = ctx.session().ring().await?;
    #[expect(clippy::disallowed_methods, reason = "a person's second factor is of no tenant")]
    let taken = ctx.public_write(NO_TENANT, Some(user), async |tx| match Shown::read(totp) {
        Shown::Code(code) => {
            let Some(kept) = Seed::place(user).recall(tx, &ring).await? else { return Ok(None) };
            let Some(step) = Seed::read(&kept, "")?.step_of(&code, now) else { return Ok(None) };
            Ok(Factor::take_step(tx, user, step).await?.then_some("TOTP"))
        }
        Shown::Recovery(code) => {
            let hash = recovery_hash(user, &code);
            let used = use_recovery_code(tx, user, &hash, now).await?;
            Ok(used.then_some("RECOVERY_CODE"))
        }
    });
    taken.await
}

/// What the trail says of whoever signs in.
pub fn from_where(ctx: &Context<'_>) -> serde_json::Value {
    let Caller { address, user_agent } = ctx.session().caller();
    json!({ "address": address, "userAgent": user_agent })
}

pub fn wrong(told: &str) -> Error {
    Error::Refused(vec![Problem::new(ErrorCode::InvalidCredentials, ["password"], told)])
}
