//! Documents that are registered, so that whoever asks sends an id instead of the text.
//!
//! Each program has a registry of its own. A program finds what is registered for itself; a person
//! finds what is registered for any live program of their tenant, because the front end they use
//! is one of them; whoever has not signed in has no tenant, and so no registry. An id that a build
//! tool gave may stand for different texts in two programs: then no person finds it.
//!
//! Invariants: a document is known by the SHA-256 of its exact text. Nothing that is sent along with
//! a request is ever registered. A document that is registered was valid then, and priced; what has
//! become of it since `kontor documents check` tells.

mod gql;
mod model;
mod registering;
mod registry;
mod rules;
mod uses;
mod values;

pub use gql::{
    DocumentById, DocumentMutation, DocumentQuery, DocumentsOfClient, PersistedDocument,
    UnknownDocument, UnknownOfClient,
};
pub use model::Document;
pub use registering::{live_client, prepare, register};
pub use registry::{Found, Registry};
pub use rules::read_manifest;
pub use uses::Used;
pub use values::{DocumentHash, Named};

crate::id!(
    /// Which registered document.
    DocumentId,
    "document"
);
