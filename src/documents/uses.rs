//! Who asked what, counted in memory and written down now and then, never with a request.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    model::{Tally, add_uses},
    values::DocumentHash,
};
use crate::{
    accounts::ApiClientId,
    clock::{Clock, Timestamp},
    db::{Db, WriteContext},
    error::{Error, Result},
    ids::new_uuid,
    tenants::TenantId,
};

/// Different documents between two writings; what comes beyond is not counted.
const MOST: usize = 20_000;

/// A document that a client asked once.
#[derive(Clone, Debug)]
pub struct Used {
    pub tenant: TenantId,
    pub client: ApiClientId,
    pub hash: DocumentHash,
    /// The operation's name.
    pub name: Option<String>,
    /// What of the schema the operation asks, such as `Company.name`.
    pub fields: Arc<[String]>,
}

type Key = (TenantId, ApiClientId, DocumentHash);

struct Counted {
    name: Option<String>,
    fields: Arc<[String]>,
    tally: Tally,
}

#[derive(Default)]
pub struct Uses(Mutex<HashMap<Key, Counted>>);

impl Uses {
    pub fn note(&self, used: Used, now: Timestamp) {
        let Used { tenant, client, hash, name, fields } = used;
        self.add(
            (tenant, client, hash),
            Counted { name, fields, tally: Tally { uses: 1, last: now } },
        );
    }

    fn add(&self, key: Key, more: Counted) {
        let mut all = self.lock();
        if let Some(counted) = all.get_mut(&key) {
            counted.tally.add(more.tally);
        } else if all.len() < MOST {
            all.insert(key, more);
        }
    }

    /// Writes down what was counted until now; what cannot be written waits for the next time.
    pub async fn flush(&self, db: &Db, clock: &Clock) {
        let counted = mem::take(&mut *self.lock());
        let mut tenants: HashMap<TenantId, Vec<(Key, Counted)>> = HashMap::new();
        for (key, one) in counted {
            tenants.entry(key.0).or_default().push((key, one));
        }
        for (tenant, counted) in tenants {
            match write(db, clock, tenant, &counted).await {
                Ok(()) => {}
                Err(error @ (Error::Unavailable(_) | Error::Timeout)) => {
                    tracing::warn!(error = ?error, "documents.uses.waiting");
                    counted.into_iter().for_each(|(key, one)| self.add(key, one));
                }
                Err(error) => tracing::error!(error = ?error, "documents.uses.lost"),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(db: &Db, clock: &Clock, tenant: TenantId, counted: &[(Key, Counted)]) -> Result<()> {
    let (mut documents, mut fields) = (BTreeMap::new(), BTreeMap::new());
    for ((_, client, hash), Counted { name, fields: asked, tally }) in counted {
        documents.insert((*client, *hash), (name.clone(), *tally));
        for field in asked.iter() {
            let none = || Tally { uses: 0, last: tally.last };
            fields.entry((*client, field.clone())).or_insert_with(none).add(*tally);
        }
    }
    let request = "document-uses".into();
    let context = WriteContext { write: new_uuid(clock), actor: None, request };
    let tx = db.write(tenant, context).await?;
    add_uses(&tx, clock, &documents, &fields).await?;
    tx.commit().await
}
