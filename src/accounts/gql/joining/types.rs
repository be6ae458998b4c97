use async_graphql::{Context, Enum, InputObject, Many, Object, SimpleObject};

use super::super::super::{AccessRequestId, InvitationId, RoleId, model};
use crate::{
    access::Permission::*,
    clock::Timestamp,
    column, connection,
    db::Value,
    error::Result,
    filter,
    graphql::{DateTimeFilter, Paging, UserError, requires},
    payload,
};

/// A person is asked to work here.
pub struct Invitation(pub model::Invitation);

/// A person is asked to work here.
#[Object]
impl Invitation {
    /// Its id.
    pub async fn id(&self) -> InvitationId {
        self.0.id
    }

    /// Who is asked.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Until when they may accept.
    async fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When they accepted.
    async fn accepted_at(&self) -> Option<Timestamp> {
        self.0.accepted_at
    }
}

/// How a request for access stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AccessRequestState {
    /// Nobody has decided yet.
    Open,
    /// An invitation was sent.
    Approved,
    /// It was not.
    Refused,
}

/// A person asks to be let in.
pub struct AccessRequest(pub model::AccessRequest);

/// A person asks to be let in.
#[Object]
impl AccessRequest {
    /// Its id.
    pub async fn id(&self) -> AccessRequestId {
        self.0.id
    }

    /// Their e-mail address.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Their name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What they say.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// How it stands.
    async fn state(&self) -> AccessRequestState {
        match self.0.state.as_str() {
            "APPROVED" => AccessRequestState::Approved,
            "REFUSED" => AccessRequestState::Refused,
            _ => AccessRequestState::Open,
        }
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When they asked.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

filter! {
    /// Which requests for access.
    AccessRequestWhere {
        /// By when they asked.
        created_at: DateTimeFilter => |at, _| at.on(column!(access_requests::created_at)),
    }
}

connection! {
    /// A page of requests for access.
    AccessRequest as AccessRequestConnection, AccessRequestEdge, of model::AccessRequest, which AccessRequestWhere, permission UserManage;
    id access_requests::id;
    /// How to sort requests for access.
    order AccessRequestOrder by AccessRequestOrderField {
        /// By when they asked.
        CreatedAt => access_requests::created_at, |request| Value::Moment(request.0.created_at.0);
    }
}

filter! {
    /// Which invitations.
    InvitationWhere {
        /// By when they were sent.
        created_at: DateTimeFilter => |at, _| at.on(column!(invitations::created_at)),
    }
}

connection! {
    /// A page of invitations.
    Invitation as InvitationConnection, InvitationEdge, of model::Invitation, which InvitationWhere, permission UserManage;
    id invitations::id;
    /// How to sort invitations.
    order InvitationOrder by InvitationOrderField {
        /// By when they were sent.
        CreatedAt => invitations::created_at, |invitation| Value::Moment(invitation.0.created_at.0);
    }
}

payload! {
    /// The answer to an invitation.
    InvitationPayload {
        /// The invitation; null when nothing was written.
        invitation: Invitation
    }
}

payload! {
    /// The answer to a request for access; to the person who asks it never says more than that it
    /// was heard.
    AccessRequestPayload {
        /// The request as it is now; null to the person who asks.
        access_request: AccessRequest
    }
}

/// The answer to a forgotten password: always the same.
#[derive(Default, SimpleObject)]
pub struct PasswordResetRequestPayload {
    /// Empty.
    pub user_errors: Many<UserError>,
}

/// The answer to a new password.
#[derive(SimpleObject)]
pub struct PasswordResetPayload {
    /// Why it was not taken; empty when it was.
    pub user_errors: Many<UserError>,
}

/// Who asks to be let in, and where.
#[derive(InputObject)]
pub struct AccessRequestInput {
    /// The tenant's short name.
    pub tenant: String,
    /// Their e-mail address.
    pub email: String,
    /// Their name, 1 to 200 characters.
    pub name: String,
    /// What they say, at most 1000 characters.
    pub message: Option<String>,
}

/// Who is invited, as what.
#[derive(InputObject)]
pub struct InvitationCreateInput {
    /// Their e-mail address.
    pub email: String,
    /// What they will be.
    pub role_ids: Vec<RoleId>,
}

/// Who accepts an invitation.
#[derive(InputObject)]
pub struct InvitationAcceptInput {
    /// The token of the link.
    #[graphql(secret)]
    pub token: String,
    /// Their name, 1 to 200 characters; who has an account keeps theirs.
    pub name: String,
    /// Their password; who has an account proves it with the one they have.
    #[graphql(secret)]
    pub password: String,
    /// The code of the second factor, for people who have one already.
    #[graphql(secret)]
    pub totp: Option<String>,
}

#[derive(Default)]
pub struct JoiningQuery;

#[Object]
impl JoiningQuery {
    /// Who asks to be let in, a page at a time.
    #[graphql(directive = requires::apply(UserManage))]
    async fn access_requests(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<AccessRequestWhere>,
        order_by: Option<Vec<AccessRequestOrder>>,
    ) -> Result<Option<AccessRequestConnection>> {
        let paging = Paging { first, after, last, before, ..Paging::default() };
        AccessRequestConnection::load(ctx, paging, r#where, order_by).await
    }

    /// Who was invited, a page at a time.
    #[graphql(directive = requires::apply(UserManage))]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<InvitationWhere>,
        order_by: Option<Vec<InvitationOrder>>,
    ) -> Result<Option<InvitationConnection>> {
        let paging = Paging { first, after, last, before, ..Paging::default() };
        InvitationConnection::load(ctx, paging, r#where, order_by).await
    }
}
