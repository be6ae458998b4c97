//! Single sign-on: people sign in through their company's identity provider (OpenID Connect).
//!
//! A tenant registers its providers. A sign-in is two steps: `ssoStart` gives the address to send
//! the person to, `ssoFinish` takes what the provider sent them back with. Between the two only
//! the hash of the state is kept.
//!
//! ```text
//! ssoStart ──► provider ──► {KONTOR_PUBLIC_URL}/sso?state&code ──► ssoFinish ──► session
//!              (person)                                            code, PKCE, ID token
//! ```
//!
//! Invariants: a state is good once, for ten minutes, for one provider of one tenant. A person is
//! known by provider and subject; by a verified address only until then. Whoever comes in newly
//! is what the claims say, and nobody becomes an owner by a claim. No connection to the database
//! is held while a provider is asked.

mod gql;
mod model;
mod provider;
mod rules;
mod values;
mod web;

pub use gql::{SsoMutation, SsoProvider, SsoProviderById, SsoQuery};
pub use provider::Providers;

crate::id!(
    /// Which identity provider.
    SsoProviderId,
    "ssoprovider"
);
