//! Forgotten passwords. Asking for a new one enqueues a job, whoever asks: the answer and its time
//! do not tell whether there is an account.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    letters::{Links, OneTime},
    model::{Credentials, PasswordReset},
};
use crate::{
    clock::Clock,
    db::{Db, WriteContext},
    error::{Error, Result},
    ids::new_uuid,
    jobs::{NO_TENANT, Work},
};

/// The kind of job.
pub const RESET: &str = "account.reset";

#[derive(Serialize, Deserialize)]
pub struct ResetRequest {
    pub email: String,
}

/// Does jobs of the kind [`RESET`].
#[derive(Clone)]
pub struct Resets {
    pub db: Db,
    pub clock: Clock,
    pub links: Links,
}

impl Resets {
    pub async fn send(self, work: Work) -> Result<()> {
        let ResetRequest { email } =
            serde_json::from_value(work.payload).map_err(Error::internal)?;
        let conn = self.db.system().await?;
        let found = Credentials::of(conn.pg(), &email).await?;
        conn.release();
        let Some(Credentials { user, active: true, .. }) = found else { return Ok(()) };
        let token = OneTime::new(NO_TENANT)?;
        let write: Uuid = new_uuid(&self.clock);
        let context = WriteContext { write, actor: None, request: RESET.into() };
        let tx = self.db.write(NO_TENANT, context).await?;
        PasswordReset::insert(&tx, &token.hash(), user, self.clock.now()).await?;
        self.links.reset(&email, &token).enqueue(&tx, &self.clock).await?;
        tx.commit().await
    }
}
