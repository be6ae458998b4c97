//! Accounts: people, where they work, what they are there, and how they sign in.
//!
//! A user is global: one e-mail address, one password. A membership joins a user to a tenant with
//! roles and a manager. A session is one sign-in in one tenant: an access token that is good for
//! an hour, and a refresh token that is good for a week and replaced at each use.
//!
//! Programs are API clients with secrets and scopes.
//!
//! Invariants: a tenant keeps at least one owner. Nobody names their own role, gives one that may do
//! more than they may, or decides about somebody who may. What belongs to a person and not to their
//! membership no tenant decides for another. The reporting line has no circles. Whatever ends a session ends it at once.

mod attempts;
mod factor;
mod gql;
mod letters;
mod model;
mod password;
mod resets;
mod roles;
mod rules;
mod secret;
mod sessions;
mod token;
mod values;

pub use gql::{
    AccountMutation, AccountQuery, ApiClient, ApiClientById, ApiClientMutation, ApiClientQuery,
    ExplainQuery, FactorMutation, FactorQuery, JoiningMutation, JoiningQuery, PeopleMutation,
    PeopleQuery, PolicyMutation, PolicyQuery, Role, RoleMutation, SessionPayload, User, UserById,
    begin_session, may_hand_on, role_of, session_answer,
};
pub use letters::{Links, OneTime};
/// What another way in needs: whose an address is, and what they are here.
pub use model::{Credentials, Membership, Newcomer, OwnRole, join, replace_own_roles};
pub use model::{NewMembership, NewUser, report_to};
pub use password::{NO_PASSWORD, Passwords};
pub use resets::{RESET, Resets};
pub use sessions::{Asking, Sessions};
pub use token::{Bearer, Token, Verified};
pub use values::Email;

/// The rows, for areas that span both.
pub use model::{ApiClient as ApiClientRow, User as UserRow};

crate::id!(
    /// Which person.
    UserId,
    "user"
);
crate::id!(
    /// Which role: a built-in one, the same in every tenant, or a tenant's own.
    RoleId,
    "role"
);
crate::id!(
    /// Which sign-in.
    SessionId,
    "session"
);
crate::id!(
    /// Which invitation.
    InvitationId,
    "invitation"
);
crate::id!(
    /// Which request for access.
    AccessRequestId,
    "accessrequest"
);
crate::id!(
    /// Which program.
    ApiClientId,
    "apiclient"
);
crate::id!(
    /// Which of a program's secrets.
    ApiSecretId,
    "apisecret"
);
