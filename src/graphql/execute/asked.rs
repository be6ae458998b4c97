//! Which document a request means: by its text, or by the id under which it is registered.

use super::{
    super::guard::TooMuch, Api, Call, Inner, Parts, SignedIn, documents::Judged, refusal::Refusal,
};
use crate::{
    access::{Viewer, Who},
    documents::{DocumentHash, Found, Named, Used},
    error::Error,
};

/// How a request names its document instead of, or beside, sending it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByName {
    /// `documentId`: registered, or refused.
    Id(String),
    /// `extensions.persistedQuery`: registered; or the text comes along, whose hash it must be.
    Hash(String),
}

impl Call {
    /// Nothing but an id came. What is asked so by GET is answered with a tag, so that its body must
    /// be the same for the same data: nothing of the moment belongs into it.
    pub fn is_by_id_alone(&self) -> bool {
        self.named.is_some() && self.query.is_empty()
    }
}

/// A document that may run, and where it is registered.
pub struct Asked {
    pub judged: Judged,
    pub registered: Option<Found>,
    /// What would be refused of it, where limits only warn.
    pub warned: Vec<TooMuch>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        tracing::error!(error = ?error, "documents.failed");
        Self::new(error.code(), &error.to_string())
    }
}

impl Api {
    /// The document of a request.
    pub(super) async fn asked(&self, call: &Call) -> Result<Asked, Refusal> {
        let Inner { map, documents, .. } = &*self.0;
        let limits = self.limits();
        let viewer = match &call.signed_in {
            SignedIn::As(viewer) => Some(viewer),
            SignedIn::Anonymous | SignedIn::BadToken => None,
        };
        if let Some(name) = &call.named {
            let text = Some(call.query.as_str()).filter(|text| !text.is_empty());
            let named = name.read(text)?;
            if matches!(call.signed_in, SignedIn::BadToken) {
                return Err(Refusal::new("UNAUTHENTICATED", "Sign in to use this."));
            }
            if let (Some(viewer), Some(named)) = (viewer, named)
                && let Some(asked) = self.registered(viewer, &named).await?
            {
                return Ok(asked);
            }
            if text.is_none() {
                return Err(name.unknown());
            }
        }
        if viewer.is_some_and(|viewer| viewer.registered_only) {
            let told = "This program may send registered documents only, by their ids.";
            return Err(Refusal::new("PERSISTED_DOCUMENT_REQUIRED", told));
        }
        let judged = documents.judged(map, limits, &call.query)?;
        if let Some(viewer) = viewer.filter(|viewer| viewer.logs_unknown) {
            self.log_unknown(viewer, &judged).await?;
        }
        Ok(Asked { judged, registered: None, warned: Vec::new() })
    }

    async fn registered(&self, viewer: &Viewer, named: &Named) -> Result<Option<Asked>, Refusal> {
        let Inner { map, documents, registry, parts: Parts { db, clock, .. }, .. } = &*self.0;
        let limits = self.limits();
        let Some(found) = registry.find(db, clock, viewer, named).await? else { return Ok(None) };
        let judged = match documents.registered(found.hash) {
            Some(judged) => judged,
            None => match registry.body(db, viewer.tenant, found.id).await? {
                Some(text) => documents.register(map, limits, &text, found.hash)?,
                None => return Ok(None),
            },
        };
        Ok(Some(Asked { judged, registered: Some(found), warned: Vec::new() }))
    }

    /// Before a program is told to send registered documents only, somebody wants to know which
    /// others it sends.
    async fn log_unknown(&self, viewer: &Viewer, judged: &Judged) -> Result<(), Refusal> {
        let Inner { registry, parts: Parts { db, clock, .. }, .. } = &*self.0;
        let Who::Client(client) = viewer.who else { return Ok(()) };
        if registry.find(db, clock, viewer, &Named::by_hash(judged.hash)).await?.is_none()
            && registry.is_news(client, judged.hash, clock.now())
        {
            let (operation, document) = (super::only_name(&judged.document), judged.hash);
            tracing::warn!(%client, %document, operation, "document.unknown");
        }
        Ok(())
    }

    /// Counts who asked what: a program whatever it asks, a person for the program whose document
    /// it was.
    pub(super) fn count(&self, viewer: Option<&Viewer>, asked: &Asked, operation: Option<&str>) {
        let Some(viewer) = viewer else { return };
        let client = match (viewer.who, asked.registered) {
            (Who::Client(client), _) => client,
            (Who::Person(_), Some(found)) => found.client,
            (Who::Person(_), None) => return,
        };
        let Asked { judged, .. } = asked;
        let name = operation.map(str::to_owned).or_else(|| super::only_name(&judged.document));
        let fields = judged.usage(operation).map(|usage| usage.fields.clone());
        let used = Used {
            tenant: viewer.tenant,
            client,
            hash: judged.hash,
            name: name.map(|name| name.chars().take(200).collect()),
            fields: fields.unwrap_or_default(),
        };
        self.0.registry.used(used, self.0.parts.clock.now());
    }
}

impl ByName {
    /// `None`: nothing can be registered under this name.
    fn read(&self, text: Option<&str>) -> Result<Option<Named>, Refusal> {
        match self {
            Self::Id(id) => Ok(Named::by_id(id)),
            Self::Hash(hash) => {
                let hash = DocumentHash::parse(hash);
                let of_text = text.map(DocumentHash::of);
                if of_text.is_some_and(|of_text| hash != Some(of_text)) {
                    let told = "The hash is not the one of the text.";
                    return Err(Refusal::new("PERSISTED_QUERY_HASH_MISMATCH", told));
                }
                Ok(hash.map(Named::by_hash))
            }
        }
    }

    fn unknown(&self) -> Refusal {
        match self {
            Self::Id(_) => Refusal::new(
                "PERSISTED_DOCUMENT_NOT_FOUND",
                "No such document is registered for you.",
            ),
            // Clients look for this very message, and then send the text.
            Self::Hash(_) => Refusal::new("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"),
        }
    }
}
