//! Secrets that are kept: second factors, the passwords of other systems.

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Purpose, Ring, model, seal};
use crate::{
    clock::Clock,
    db::TenantConn,
    error::{Error, Result},
    ids::new_uuid,
    tenants::TenantId,
};

/// Where a secret belongs: what kind it is, and whose row's. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table and column that it would be in, such as "sso_providers.client_secret".
    pub kind: &'static str,
    pub row: Uuid,
}

/// What the encryption is bound to: tenant, column, row.
pub(super) fn bound(tenant: TenantId, kind: &str, row: Uuid) -> Vec<u8> {
    [tenant.0.as_bytes(), kind.as_bytes(), b" ", row.as_bytes().as_slice()].concat()
}

impl Place {
    /// Keeps a secret in the place of the one before.
    pub async fn keep(
        self,
        conn: &TenantConn,
        clock: &Clock,
        ring: &Ring,
        secret: &SecretString,
    ) -> Result<()> {
        let (key_id, key) = ring.newest(Purpose::Data)?;
        let bound = bound(conn.tenant(), self.kind, self.row);
        let sealed = seal::seal(key, &bound, secret.expose_secret().as_bytes())?;
        let (id, kind, row_id) = (new_uuid(clock), self.kind.to_owned(), self.row);
        model::SecretRow { id, kind, row_id, key_id, sealed }.put(conn).await
    }

    pub async fn recall(self, conn: &TenantConn, ring: &Ring) -> Result<Option<SecretString>> {
        let Some(row) = model::SecretRow::find(conn, self.kind, self.row).await? else {
            return Ok(None);
        };
        let plain = row.open(conn.tenant(), ring)?;
        let text = String::from_utf8(plain).map_err(Error::internal)?;
        Ok(Some(text.into()))
    }

    pub async fn forget(self, conn: &TenantConn) -> Result<()> {
        model::SecretRow::delete(conn, self.kind, self.row).await
    }
}

impl model::SecretRow {
    pub(super) fn open(&self, tenant: TenantId, ring: &Ring) -> Result<Vec<u8>> {
        let bound = bound(tenant, &self.kind, self.row_id);
        ring.find(Purpose::Data, self.key_id)
            .and_then(|key| seal::open(key, &bound, &self.sealed))
            .ok_or_else(|| Error::internal(format!("the {} of {} is lost", self.kind, self.row_id)))
    }
}
