//! Accounts: people, where they work, and how they sign in.
//!
//! A user is global: one e-mail address, one password. A membership joins a user to a tenant
//! with roles. An access token names user, tenant and roles, and is checked before anything runs.

mod gql;
mod model;
mod password;
mod token;

pub use gql::{AccountMutation, AccountQuery, User, UserById};
pub use model::{NewMembership, NewUser};
pub use password::Passwords;
pub use token::{Token, read_token};

/// The row, for areas that span both.
pub use model::User as UserRow;

crate::id!(
    /// Which person.
    UserId,
    "user"
);
