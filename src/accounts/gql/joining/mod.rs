//! How people come in: invitations, requests for access, forgotten passwords.

mod types;

use std::time::Duration;

use async_graphql::{Context, Many, Object};
use serde_json::json;

pub use types::JoiningQuery;
use types::{
    AccessRequest, AccessRequestInput, AccessRequestPayload, Invitation, InvitationAcceptInput,
    InvitationCreateInput, InvitationPayload, PasswordResetPayload, PasswordResetRequestPayload,
};

use super::{
    super::{
        AccessRequestId, InvitationId, Links, Passwords, RoleId, Sessions, UserId,
        letters::OneTime,
        model::{
            self, AccessRequestChanges, InvitationChanges, NewAccessRequest, NewInvitation,
            Newcomer, PasswordReset, join, replace_own_roles, tenants_of,
        },
        resets::{RESET, ResetRequest},
        values::Email,
    },
    people::known_roles,
    proofs::Claim,
    sessions::{SessionPayload, answer, begin_session},
};
use crate::{
    access::Permission::*,
    audit::{Event, note},
    clock::Timestamp,
    db::TenantConn,
    error::{Error, ErrorCode, Result},
    graphql::{Check, Doors, public, refusals, requires},
    jobs::{NO_TENANT, NewJob, enqueue},
    tenants::TenantRow,
};

const INVITATION_LIFE: Duration = Duration::from_hours(7 * 24);
const LINK_DEAD: &str = "The link was used, has expired, or was never good.";

#[derive(Default)]
pub struct JoiningMutation;

#[Object]
impl JoiningMutation {
    /// Asks for a mail with which to choose a new password. The answer is the same whether or not
    /// there is an account.
    #[graphql(directive = public::apply())]
    async fn password_reset_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account's e-mail address.")] email: String,
    ) -> Result<Option<PasswordResetRequestPayload>> {
        if let Ok(email) = Email::parse(email) {
            let request = ResetRequest { email: email.as_str().to_owned() };
            let payload = serde_json::to_value(request).map_err(Error::internal)?;
            #[expect(clippy::disallowed_methods, reason = "asks for a mail and learns nothing")]
            ctx.public_write(NO_TENANT, None, async |tx| {
                let job = NewJob { kind: RESET, payload, due_at: ctx.clock().now() };
                enqueue(tx, ctx.clock(), job).await
            })
            .await?;
        }
        Ok(Some(PasswordResetRequestPayload::default()))
    }

    /// Chooses a new password with the token of the mail. All sessions end.
    #[graphql(directive = public::apply())]
    async fn password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token of the link.", secret)] token: String,
        #[graphql(desc = "The password from now on.", secret)] new_password: String,
    ) -> Result<Option<PasswordResetPayload>> {
        let user_errors = match reset(ctx, &token, new_password).await {
            Ok(()) => Many::default(),
            Err(error) => refusals(error)?.into_iter().map(Into::into).collect(),
        };
        ctx.data_unchecked::<Sessions>().forget();
        Ok(Some(PasswordResetPayload { user_errors }))
    }

    /// Asks to be let in; an administrator decides, and chooses the role.
    #[graphql(directive = public::apply())]
    async fn access_request_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and where.")] input: AccessRequestInput,
    ) -> Result<Option<AccessRequestPayload>> {
        let (user_errors, access_request) = (heard(ctx, input).await, None);
        let user_errors = match user_errors {
            Ok(()) => Many::default(),
            Err(error) => refusals(error)?.into_iter().map(Into::into).collect(),
        };
        Ok(Some(AccessRequestPayload { access_request, user_errors }))
    }

    /// Decides a request for access; an approval invites the person.
    #[graphql(directive = requires::apply(UserManage))]
    async fn access_request_decide(
        &self,
        ctx: &Context<'_>,
        id: AccessRequestId,
        expected_version: Option<i32>,
        #[graphql(desc = "Let them in?")] approve: bool,
        #[graphql(desc = "What they will be, if they are let in.")] role_ids: Option<Vec<RoleId>>,
    ) -> Result<Option<AccessRequestPayload>> {
        let decided = ctx.write(UserManage, async |tx| {
            let request = model::AccessRequest::lock(tx, id, expected_version).await?;
            if request.state != "OPEN" {
                let told = "Somebody has decided already.";
                return Err(Error::refused(ErrorCode::InvalidTransition, "id", told));
            }
            let state = match approve {
                true => {
                    invite(ctx, tx, &request.email, &role_ids.unwrap_or_default()).await?;
                    "APPROVED"
                }
                false => "REFUSED",
            };
            let changes = AccessRequestChanges { state: Some(state) };
            model::AccessRequest::update(tx, id, changes).await
        });
        AccessRequestPayload::of(decided.await.map(AccessRequest))
    }

    /// Invites a person; they get a mail with a link that is good for seven days.
    #[graphql(directive = requires::apply(UserManage))]
    async fn invitation_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, as what.")] input: InvitationCreateInput,
    ) -> Result<Option<InvitationPayload>> {
        let made = ctx.write(UserManage, async |tx| {
            let email = Email::parse(input.email).map_err(|p| Error::Refused(vec![p]))?;
            invite(ctx, tx, email.as_str(), &input.role_ids).await
        });
        InvitationPayload::of(made.await.map(Invitation))
    }

    /// Takes an invitation back: its link is good for nothing from now on.
    #[graphql(directive = requires::apply(UserManage))]
    async fn invitation_revoke(
        &self,
        ctx: &Context<'_>,
        id: InvitationId,
        expected_version: Option<i32>,
    ) -> Result<Option<InvitationPayload>> {
        let revoked = ctx.write(UserManage, async |tx| {
            let invitation = model::Invitation::lock(tx, id, expected_version).await?;
            if invitation.accepted_at.is_some() {
                let told = "It was accepted already.";
                return Err(Error::refused(ErrorCode::AlreadyAccepted, "id", told));
            }
            let changes = InvitationChanges { expires_at: Some(ctx.clock().now()) };
            model::Invitation::update(tx, id, changes).await
        });
        InvitationPayload::of(revoked.await.map(Invitation))
    }

    /// Accepts an invitation and signs in.
    #[graphql(directive = public::apply())]
    async fn invitation_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who accepts.")] input: InvitationAcceptInput,
    ) -> Result<Option<SessionPayload>> {
        answer(accept(ctx, input).await)
    }
}

async fn reset(ctx: &Context<'_>, token: &str, new_password: String) -> Result<()> {
    let dead = || Error::refused(ErrorCode::Expired, "token", LINK_DEAD);
    let token = OneTime::read(token).ok_or_else(dead)?;
    let now = ctx.clock().now();
    // Nobody hashes for who has no link.
    #[expect(clippy::disallowed_methods, reason = "looks at the link before anything is hashed")]
    let conn = ctx.system().await?;
    let open = PasswordReset::is_open(conn.pg(), &token.hash(), now).await;
    conn.release();
    if !open? {
        return Err(dead());
    }
    let passwords = ctx.data_unchecked::<Passwords>();
    let password = passwords.hash_new("newPassword", new_password).await?;
    #[expect(clippy::disallowed_methods, reason = "the token of the mail is the proof")]
    let taken = ctx.public_write(NO_TENANT, None, async |tx| {
        let Some(user) = PasswordReset::take(tx, &token.hash(), now).await? else {
            return Ok(None);
        };
        model::User::set_password(tx, user, &password).await?;
        Ok(Some((user, tenants_of(tx, user).await?)))
    });
    let (user, tenants) = taken.await?.ok_or_else(dead)?;
    for tenant in tenants {
        #[expect(clippy::disallowed_methods, reason = "as above, in each of the person's tenants")]
        ctx.public_write(tenant, Some(user), async |tx| {
            model::Session::end_others(tx, user, None, "PASSWORD_RESET", now).await?;
            note(tx, Event::PasswordChanged, user, json!({ "how": "by mail" })).await
        })
        .await?;
    }
    Ok(())
}

async fn heard(ctx: &Context<'_>, input: AccessRequestInput) -> Result<()> {
    let mut check = Check::new();
    let name = check.text("name", input.name, 200);
    let message = check.optional("message", input.message, 1000);
    let email = check.parse("email", Some(input.email), Email::parse);
    let new = NewAccessRequest {
        id: AccessRequestId::new(ctx.clock()),
        email: email.map(|email| email.as_str().to_owned()).unwrap_or_default(),
        name,
        message,
        state: "OPEN",
    };
    let new = check.done(new)?;
    #[expect(clippy::disallowed_methods, reason = "the tenant is looked up by its name")]
    let conn = ctx.system().await?;
    let tenant = TenantRow::by_slug(conn.pg(), &input.tenant).await?;
    conn.release();
    // Whether there is such a tenant is not told.
    if let Some(tenant) = tenant {
        #[expect(clippy::disallowed_methods, reason = "anybody may ask; an administrator decides")]
        ctx.public_write(tenant.id, None, async |tx| model::AccessRequest::insert(tx, new).await)
            .await?;
    }
    Ok(())
}

async fn invite(
    ctx: &Context<'_>,
    tx: &TenantConn,
    email: &str,
    role_ids: &[RoleId],
) -> Result<model::Invitation> {
    let (built_in, own) = known_roles(ctx, tx, role_ids).await?;
    // Only an owner may as much as an owner: `known_roles` has seen to that.
    let token = OneTime::new(tx.tenant())?;
    let new = NewInvitation {
        id: InvitationId::new(ctx.clock()),
        email: email.to_owned(),
        roles: built_in.iter().map(|role| role.name().to_owned()).collect(),
        own_role_ids: own,
        hash: token.hash(),
        expires_at: ctx.clock().now().plus(INVITATION_LIFE),
    };
    let invitation = model::Invitation::insert(tx, new).await?;
    let tenant = TenantRow::own(tx).await?;
    let mail = ctx.data_unchecked::<Links>().invitation(email, &tenant.name, &token);
    mail.enqueue(tx, ctx.clock()).await?;
    Ok(invitation)
}

/// An invitation makes nobody anything who works here already, and brings nobody back who left
/// after it was written.
async fn may_join(tx: &TenantConn, user: UserId, invited_at: Timestamp) -> Result<()> {
    let refuse = |code, told: &str| Err(Error::refused(code, "token", told));
    match model::Membership::lock(tx, user).await {
        Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
        Ok(model::Membership { deactivated_at: None, .. }) => {
            refuse(ErrorCode::Duplicate, "You work here already.")
        }
        Ok(model::Membership { deactivated_at: Some(left), .. }) if left >= invited_at => {
            refuse(ErrorCode::Expired, LINK_DEAD)
        }
        Ok(_) => Ok(()),
    }
}

async fn accept(ctx: &Context<'_>, input: InvitationAcceptInput) -> Result<SessionPayload> {
    let dead = || Error::refused(ErrorCode::Expired, "token", LINK_DEAD);
    let token = OneTime::read(&input.token).ok_or_else(dead)?;
    let now = ctx.clock().now();
    #[expect(clippy::disallowed_methods, reason = "the token of the mail is the proof")]
    let open = ctx.public_write(token.tenant, None, async |tx| {
        model::Invitation::open(tx, &token.hash(), now).await
    });
    let invitation = open.await?.ok_or_else(dead)?;
    let mut check = Check::new();
    let name = check.text("name", input.name, 200);
    let name = check.done(name)?;
    // The person may have an account already.
    let claim = Claim::by_email(ctx, &invitation.email).await?;
    let (user, second, hash) = match claim.is_known() {
        true => {
            let (user, second) = claim.both(ctx, input.password, input.totp).await?;
            (user, second, None)
        }
        false => {
            claim.take_back(ctx).await?;
            let passwords = ctx.data_unchecked::<Passwords>();
            let hash = passwords.hash_new("password", input.password).await?;
            (UserId::new(ctx.clock()), None, Some(hash))
        }
    };
    #[expect(clippy::disallowed_methods, reason = "as above; one of several at once wins")]
    let joined = ctx.public_write(token.tenant, Some(user), async |tx| {
        if !model::Invitation::accept(tx, invitation.id, now).await? {
            return Err(dead());
        }
        may_join(tx, user, invitation.created_at).await?;
        if let Some(hash) = &hash {
            let (email, password_hash) = (invitation.email.as_str(), hash.as_str());
            let new = Newcomer { id: user, email, name: &name, password_hash, created_at: now };
            new.insert(tx).await?;
        }
        join(tx, user, &invitation.roles, now).await?;
        replace_own_roles(tx, ctx.clock(), user, &invitation.own_role_ids).await
    });
    joined.await?;
    ctx.data_unchecked::<Sessions>().forget();
    begin_session(ctx, token.tenant, user, second).await
}
