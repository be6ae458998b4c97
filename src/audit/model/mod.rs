pub mod seals;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    accounts::UserId,
    audit::AuditEntryId,
    clock::Timestamp,
    column,
    db::{Done, Paged, Slice, TenantConn, WithinReach, capped_count, write_down},
    error::Result,
    schema::audit_log,
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

impl Paged for AuditEntry {
    async fn page(conn: &TenantConn, slice: &Slice) -> Result<Vec<Self>> {
        let page = Self::query()
            .filter(audit_log::tenant_id.eq(conn.tenant()))
            .filter(visible(conn))
            .filter(slice.condition())
            .order(slice.ordering())
            .limit(slice.limit)
            .load(&mut &*conn)
            .await?;
        Ok(page)
    }

    async fn count(conn: &TenantConn, slice: &Slice) -> Result<i64> {
        let rows = audit_log::table
            .filter(audit_log::tenant_id.eq(conn.tenant()))
            .filter(visible(conn))
            .filter(slice.condition())
            .select(audit_log::id);
        Ok(capped_count(conn, rows).await?)
    }
}

impl AuditEntry {
    /// The time in the id says in which month to look.
    pub async fn find(conn: &TenantConn, id: AuditEntryId) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(audit_log::tenant_id.eq(conn.tenant()))
            .filter(visible(conn))
            .filter(audit_log::at.eq(Timestamp::of_uuid(id.0)))
            .filter(audit_log::id.eq(id))
            .first(&mut &*conn)
            .await;
        Ok(found.optional()?)
    }
}

/// The trail says nothing of records that its reader may not see.
fn visible(conn: &TenantConn) -> WithinReach<'_> {
    let (table, row) = (column!(audit_log::table_name), column!(audit_log::record_id));
    conn.reach().over_mentions(conn.tenant(), table, row)
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
    write_down(conn, event.word(), &[Done { table: "users", record: user.0, details }]).await
}
