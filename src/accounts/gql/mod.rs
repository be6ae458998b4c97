//! People, their roles and their sessions, as clients see them.

mod joining;
mod people;
mod roles;
mod sessions;
mod types;

pub use joining::{JoiningMutation, JoiningQuery};
pub use people::{PeopleMutation, PeopleQuery};
pub use roles::RoleMutation;
pub use sessions::{
    AccountMutation, AccountQuery, SessionPayload, answer as session_answer, begin_session,
};
pub use types::{Role, User, UserById, role_of};
