use std::collections::HashMap;

use async_graphql::{Context, InputObject, Many, Object, SimpleObject};

use super::{
    Passwords, Token, UserId,
    model::{self, Credentials},
};
use crate::{
    access::{self, BuiltInRole, Permission, Permission::*},
    clock::Timestamp,
    db::TenantConn,
    error::{Error, ErrorCode, Result},
    graphql::{Doors, Relation, UserError, public, refusals},
    tenants::{Role, Tenant, TenantRow},
};

/// People of the tenant, by id.
pub struct UserById;

impl Relation for UserById {
    type Key = UserId;
    type Value = Option<model::User>;
    const PERMISSION: Permission = UserRead;

    async fn load(
        conn: &TenantConn,
        keys: &[UserId],
    ) -> Result<HashMap<UserId, Option<model::User>>> {
        let rows = model::User::by_ids(conn, keys).await?;
        Ok(rows.into_iter().map(|row| (row.id, Some(row))).collect())
    }
}

/// A person who can sign in.
pub struct User(pub model::User);

/// A person who can sign in.
#[Object]
impl User {
    /// Their id.
    pub async fn id(&self) -> UserId {
        self.0.id
    }

    /// Their e-mail address, with which they sign in.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Their name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// False: they cannot sign in any more.
    async fn active(&self) -> bool {
        self.0.active
    }

    /// Since when they are known here.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// Oneself.
pub struct Viewer(access::Viewer);

/// Oneself: who is signed in, where, and what they may do there.
#[Object]
impl Viewer {
    /// The person.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        let conn = ctx.read(ApiUse).await?;
        model::User::find(&conn, self.0.user).await?.map(User).ok_or(Error::NotFound)
    }

    /// The tenant.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        let conn = ctx.read(ApiUse).await?;
        Ok(Tenant(TenantRow::own(&conn).await?))
    }

    /// What they are there.
    async fn roles(&self) -> Many<Role> {
        self.0.roles.iter().copied().map(Role).collect()
    }

    /// What they may do: a front end shows these buttons and no others.
    async fn permissions(&self) -> Vec<&str> {
        self.0.grants.iter().map(access::Permission::name).collect()
    }
}

#[derive(Default)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// Who is signed in; null without a token.
    #[graphql(directive = public::apply())]
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        ctx.session().viewer().cloned().map(Viewer)
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
}

/// A session, or why there is none.
#[derive(SimpleObject)]
pub struct SessionPayload {
    /// Send it as `Authorization: Bearer …`.
    access_token: Option<String>,
    /// When the access token ends.
    expires_at: Option<Timestamp>,
    /// Who is now signed in.
    viewer: Option<Viewer>,
    /// Why nobody is.
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
        let viewer = match sign_in(ctx, input).await {
            Ok(viewer) => viewer,
            Err(error) => {
                let user_errors = refusals(error)?.into_iter().map(Into::into).collect();
                let (access_token, expires_at) = (None, None);
                let refused =
                    SessionPayload { access_token, expires_at, viewer: None, user_errors };
                return Ok(Some(refused));
            }
        };
        let session = ctx.session();
        let token = Token::issue(session.keys(), session.clock(), &viewer)?;
        session.sign_in(viewer.clone());
        Ok(Some(SessionPayload {
            access_token: Some(token.text),
            expires_at: Some(token.expires_at),
            viewer: Some(Viewer(viewer)),
            user_errors: Many(Vec::new()),
        }))
    }
}

async fn sign_in(ctx: &Context<'_>, input: SignInInput) -> Result<access::Viewer> {
    let conn = ctx.system().await?;
    let found = Credentials::of(conn.pg(), input.email.trim()).await?;
    let places = match &found {
        Some(found) => model::places(conn.pg(), found.user).await?,
        None => Vec::new(),
    };
    // Hashing takes long: nobody's connection waits for it.
    conn.release();
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let passwords = ctx.data_unchecked::<Passwords>();
    let right = passwords.verify(input.password.into(), hash).await?;
    let (true, Some(Credentials { user, active: true, .. })) = (right, found) else {
        let told = "The e-mail address or the password is wrong.";
        return Err(Error::refused(ErrorCode::InvalidCredentials, "password", told));
    };
    let (tenant, roles) = choose(places, input.tenant.as_deref())?;
    let roles = roles.iter().filter_map(|role| BuiltInRole::named(role)).collect();
    Ok(access::Viewer::new(user, tenant.id, roles))
}

type Place = (TenantRow, Vec<String>);

/// The place that was named, or the only one.
fn choose(places: Vec<Place>, named: Option<&str>) -> Result<Place> {
    let Some(slug) = named else {
        let slugs: Vec<_> = places.iter().map(|(tenant, _)| tenant.slug.clone()).collect();
        let mut places = places.into_iter();
        return match (places.next(), slugs.len()) {
            (Some(only), 1) => Ok(only),
            _ => {
                let told = format!("say in which tenant: {}", slugs.join(", "));
                Err(Error::refused(ErrorCode::Required, "tenant", &told))
            }
        };
    };
    let place = places.into_iter().find(|(tenant, _)| tenant.slug == slug);
    place.ok_or_else(|| {
        Error::refused(ErrorCode::NotFound, "tenant", "You do not work in a tenant of that name.")
    })
}
