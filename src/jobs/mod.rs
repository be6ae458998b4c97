//! Work to be done later: enqueued in the transaction that wants it done, done at least once by
//! whichever server comes first, tried again when it fails, kept for a person when it fails for
//! good.
//!
//! A job is READY, then LEASED by a server for a minute, then DONE; a failure makes it READY
//! again after a growing pause, the fifth one DEAD. A lease that ran out is taken over. A timer is
//! a job with a later `due_at`; what is done again and again is a [`Schedule`].
//!
//! Architecture Invariant: nothing here knows what the work is. Whoever starts the worker
//! (`commands/serve.rs`) says who does which kind.

mod later;
mod queue;
mod rules;
mod standing;
mod upkeep;
mod worker;

pub use later::{Later, Note, Writing};
pub use queue::{NewJob, enqueue};
pub use standing::tell_standing;
pub use upkeep::upkeep;
pub use worker::{Schedule, Work, Worker};

use uuid::Uuid;

use crate::tenants::TenantId;

/// Whose work is nobody's in particular.
pub const NO_TENANT: TenantId = TenantId(Uuid::nil());
