use diesel::{
    prelude::*,
    sql_types::{Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::AuditEntryId;
use crate::{
    accounts::UserId, clock::Timestamp, db::TenantConn, error::Result, listed, schema::audit_log,
};

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = audit_log)]
pub struct AuditEntry {
    pub id: AuditEntryId,
    pub at: Timestamp,
    pub actor_id: Option<Uuid>,
    pub request_id: Option<String>,
    pub table_name: String,
    pub record_id: Uuid,
    pub action: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

listed!(AuditEntry, audit_log);

impl AuditEntry {
    /// The time in the id says in which month to look.
    pub async fn find(conn: &TenantConn, id: AuditEntryId) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(audit_log::tenant_id.eq(conn.tenant()))
            .filter(audit_log::at.eq(Timestamp::of_uuid(id.0)))
            .filter(audit_log::id.eq(id))
            .first(&mut &*conn)
            .await;
        Ok(found.optional()?)
    }
}

/// What somebody did that is no change of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    SignedIn,
    SignInFailed,
    SignedOut,
    SessionEnded,
    PasswordChanged,
    Unlocked,
    TotpEnabled,
    TotpDisabled,
    RecoveryCodesReplaced,
    SteppedUp,
}

impl Event {
    fn word(self) -> &'static str {
        match self {
            Self::SignedIn => "SIGNED_IN",
            Self::SignInFailed => "SIGN_IN_FAILED",
            Self::SignedOut => "SIGNED_OUT",
            Self::SessionEnded => "SESSION_ENDED",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::Unlocked => "UNLOCKED",
            Self::TotpEnabled => "TOTP_ENABLED",
            Self::TotpDisabled => "TOTP_DISABLED",
            Self::RecoveryCodesReplaced => "RECOVERY_CODES_REPLACED",
            Self::SteppedUp => "STEPPED_UP",
        }
    }
}

/// Notes an event about a person, in the transaction that it belongs to.
pub async fn note(conn: &TenantConn, event: Event, user: UserId, details: Value) -> Result<()> {
    diesel::sql_query("SELECT kontor.audit_event($1, $2, $3, $4)")
        .bind::<Text, _>(event.word())
        .bind::<Text, _>("users")
        .bind::<SqlUuid, _>(user)
        .bind::<Jsonb, _>(details)
        .execute(&mut &*conn)
        .await?;
    Ok(())
}
