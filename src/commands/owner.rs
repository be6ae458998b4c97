//! `kontor user create-owner`: the first person of a new tenant.

use secrecy::{ExposeSecret, SecretString};

use super::{Config, Settings};
use crate::{
    access::BuiltInRole,
    accounts::{NewMembership, NewUser, Passwords, UserId, UserRow},
    clock::Clock,
    config::CreateOwner,
    db::OperatorConn,
    error::{Error, Result},
    keys::random,
    money::Currency,
    tenants::{NewTenant, TenantId, TenantRow},
};

const MIN_PASSWORD: usize = 12;

pub(super) async fn create(config: &Config, settings: &Settings, owner: CreateOwner) -> Result<()> {
    let refuse = |told: &str| Err(Error::internal(told.to_owned()));
    let slug_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let slug = &owner.tenant;
    if !slug.starts_with(|c: char| c.is_ascii_lowercase()) || !slug.chars().all(slug_char) {
        return refuse(
            "The tenant's short name has small letters, digits and hyphens, a letter first.",
        );
    }
    if Currency::parse(&owner.currency).is_none() {
        return refuse("The currency is a code of three capitals, such as USD.");
    }
    if !owner.email.contains('@') {
        return refuse("The e-mail address has no @.");
    }
    let made = match owner.password {
        Some(_) => None,
        None => Some(random_password()?),
    };
    let password = owner.password.clone().or_else(|| made.clone().map(SecretString::from));
    let password = password.unwrap_or_default();
    if password.expose_secret().chars().count() < MIN_PASSWORD {
        return refuse("The password has 12 characters or more.");
    }
    let hash = Passwords::new(config.bcrypt_cost).hash(password).await?;
    let clock = Clock::system();
    let (tenant, user, created_at) = (TenantId::new(&clock), UserId::new(&clock), clock.now());
    let conn = OperatorConn::open(settings).await?;
    if TenantRow::by_slug(conn.pg(), slug).await?.is_some() {
        return Err(Error::internal(format!("There is a tenant {slug} already.")));
    }
    conn.write(tenant, &clock, async || {
        let CreateOwner { tenant_name, currency, time_zone, email, name, .. } = &owner;
        let new =
            NewTenant { id: tenant, slug, name: tenant_name, currency, time_zone, created_at };
        TenantRow::insert(&conn, &new).await?;
        let new = NewUser { id: user, email, name, password_hash: &hash, created_at };
        UserRow::insert(&conn, &new).await.map_err(|error| match error {
            Error::Refused(_) => Error::internal(format!("There is a user {email} already.")),
            other => other,
        })?;
        let roles = vec![BuiltInRole::Owner.name()];
        NewMembership { tenant_id: tenant, user_id: user, roles, created_at }.insert(&conn).await
    })
    .await?;
    let (email, slug) = (&owner.email, &owner.tenant);
    println!("Made the tenant {slug} ({tenant}) with its owner {email} ({user}).");
    if let Some(password) = made {
        println!("The password, shown this once: {password}");
    }
    Ok(())
}

/// 128 random bits, as text.
fn random_password() -> Result<String> {
    Ok(format!("{:032x}", u128::from_be_bytes(random()?)))
}
