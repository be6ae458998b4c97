//! People, programs, their roles and their sessions, as clients see them.

mod clients;
mod explain;
mod factors;
mod joining;
mod people;
mod policy;
mod proofs;
mod roles;
mod sessions;
mod types;

pub use clients::{ApiClient, ApiClientById, ApiClientMutation, ApiClientQuery, may_hand_on};
pub use explain::ExplainQuery;
pub use factors::{FactorMutation, FactorQuery};
pub use joining::{JoiningMutation, JoiningQuery};
pub use people::{PeopleMutation, PeopleQuery};
pub use policy::{PolicyMutation, PolicyQuery};
pub use roles::RoleMutation;
pub use sessions::{
    AccountMutation, AccountQuery, SessionPayload, answer as session_answer, begin_session,
};
pub use types::{Role, User, UserById, role_of};
