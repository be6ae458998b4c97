//! Connections without a tenant, for the few places that cannot have one.

use std::sync::atomic::Ordering::Relaxed;

use bb8::PooledConnection;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use super::{
    AppRole, Settings,
    connect::{Connector, Manager, Opened},
};
use crate::error::{Error, Result};

/// A request's connection before its tenant is known (sign-in). Row level security shows it no
/// tenant's row.
pub struct SystemConn {
    conn: PooledConnection<'static, Manager>,
}

impl SystemConn {
    pub(super) fn new(conn: PooledConnection<'static, Manager>) -> Self {
        conn.in_use.store(true, Relaxed);
        Self { conn }
    }

    pub fn pg(&self) -> &AsyncPgConnection {
        &self.conn.pg
    }

    /// Gives it back; dropped without this it is closed.
    pub fn release(self) {
        self.conn.in_use.store(false, Relaxed);
    }
}

/// The operator's connection: the commands `seed` and `user create-owner`.
pub struct OperatorConn(AsyncPgConnection);

impl OperatorConn {
    pub async fn open(settings: &Settings) -> Result<Self> {
        let connector = Connector::new(settings, &settings.owner_url)?;
        let opened = connector.open_as(AppRole::Worker).await;
        let Opened { conn, .. } = opened.map_err(|error| Error::Unavailable(Box::new(error)))?;
        Ok(Self(conn))
    }

    pub fn pg(&self) -> &AsyncPgConnection {
        &self.0
    }

    pub async fn begin(&self) -> Result<()> {
        Ok((&mut &self.0).batch_execute("BEGIN").await?)
    }

    pub async fn commit(&self) -> Result<()> {
        Ok((&mut &self.0).batch_execute("COMMIT").await?)
    }
}
