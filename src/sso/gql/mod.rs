//! Identity providers and signing in through them, as clients see it.

mod providers;
mod signing;
mod types;

use async_graphql::MergedObject;

use providers::ProviderMutation;
pub use providers::SsoQuery;
use signing::SignOnMutation;
pub use types::{SsoProvider, SsoProviderById};

#[derive(Default, MergedObject)]
pub struct SsoMutation(ProviderMutation, SignOnMutation);
