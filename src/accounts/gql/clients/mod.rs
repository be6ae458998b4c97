mod types;

use async_graphql::{Context, InputObject, Many, MaybeUndefined, Object};

use types::ClientMode;
pub use types::{ApiClient, ApiClientById};

use super::super::{
    ApiClientId, ApiSecretId, Sessions,
    model::{self, ApiClientChanges, NewApiClient, secrets_of},
    secret::ClientSecret,
    values::addresses,
};
use crate::{
    access::{Permission, Permission::*, Scope},
    clock::Timestamp,
    db::TenantConn,
    documents::Registry,
    error::{Error, ErrorCode, Result},
    graphql::{Check, Doors, Examiner, UserError, keep, refusals, requires},
};

const MOST: i64 = 200;
/// While a new secret takes the place of the old one.
const LIVE_SECRETS: usize = 2;

/// A program to be let in.
#[derive(InputObject)]
pub struct ApiClientCreateInput {
    /// Its name, 1 to 100 characters; no other program has it.
    name: String,
    /// What it may do, such as "company:read", with all of the tenant's records: nothing that you do
    /// not hold, and reach as far with, yourself.
    scopes: Vec<String>,
    /// What it may send.
    mode: ClientMode,
    /// From where it may come: addresses, or nets such as "203.0.113.0/24". Absent: from anywhere.
    addresses: Option<Vec<String>>,
    /// When it ends. Absent: when it is revoked.
    expires_at: Option<Timestamp>,
    /// The points that it may spend at once. Absent: as many as anybody.
    maximum_points: Option<i32>,
    /// The points that it gets back each second. Absent: as many as anybody.
    restore_rate: Option<i32>,
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct ApiClientUpdateInput {
    /// Its name, 1 to 100 characters; no other program has it.
    name: MaybeUndefined<String>,
    /// What it may do from now on.
    scopes: Option<Vec<String>>,
    /// What it may send.
    mode: Option<ClientMode>,
    /// From where it may come; empty: from anywhere.
    addresses: Option<Vec<String>>,
    /// When it ends.
    expires_at: MaybeUndefined<Timestamp>,
    /// The points that it may spend at once; null: as many as anybody.
    maximum_points: MaybeUndefined<i32>,
    /// The points that it gets back each second; null: as many as anybody.
    restore_rate: MaybeUndefined<i32>,
}

/// The answer to a change of a program.
#[derive(Default, async_graphql::SimpleObject)]
pub struct ApiClientPayload {
    /// The program as it is now; null when nothing was written.
    api_client: Option<ApiClient>,
    /// A new secret. It is shown this once: keep it.
    secret: Option<String>,
    /// Why nothing was written; empty when it was.
    user_errors: Many<UserError>,
}

#[derive(Default)]
pub struct ApiClientQuery;

#[Object]
impl ApiClientQuery {
    /// The programs that use the API, by name; the revoked ones last.
    #[graphql(directive = requires::apply(ApiClientRead))]
    async fn api_clients(&self, ctx: &Context<'_>) -> Result<Option<Many<ApiClient>>> {
        let conn = ctx.read(ApiClientRead).await?;
        let all = model::ApiClient::all(&conn, MOST).await?;
        Ok(Some(all.into_iter().map(ApiClient).collect()))
    }
}

#[derive(Default)]
pub struct ApiClientMutation;

#[Object]
impl ApiClientMutation {
    /// Lets a program in. Its secret is shown once.
    #[graphql(directive = requires::apply(ApiClientManage))]
    async fn api_client_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The program.")] input: ApiClientCreateInput,
    ) -> Result<Option<ApiClientPayload>> {
        let mut shown = None;
        let made = ctx.write(ApiClientManage, async |tx| {
            let new = input.check(ctx)?;
            if model::ApiClient::count(tx).await? >= MOST {
                let told = "There may be no more programs; revoked ones count.";
                return Err(Error::refused(ErrorCode::LimitReached, "name", told));
            }
            let client = model::ApiClient::insert(tx, new).await?;
            let (client, secret) = new_secret(ctx, tx, client.id).await?;
            shown = Some(secret);
            Ok(client)
        });
        let made = made.await;
        answer(ctx, made, shown)
    }

    /// Changes what a program is. It holds at once.
    #[graphql(directive = requires::apply(ApiClientManage))]
    async fn api_client_update(
        &self,
        ctx: &Context<'_>,
        id: ApiClientId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: ApiClientUpdateInput,
    ) -> Result<Option<ApiClientPayload>> {
        let changed = ctx.write(ApiClientManage, async |tx| {
            let changes = input.check(ctx)?;
            may_hand_on(ctx, &live(tx, id, expected_version).await?, "id")?;
            model::ApiClient::update(tx, id, changes).await
        });
        answer(ctx, changed.await, None)
    }

    /// Gives a program a second secret, shown once. The old one stays good until it is revoked.
    #[graphql(directive = requires::apply(ApiClientManage))]
    async fn api_client_rotate(
        &self,
        ctx: &Context<'_>,
        id: ApiClientId,
    ) -> Result<Option<ApiClientPayload>> {
        let mut shown = None;
        let rotated = ctx.write(ApiClientManage, async |tx| {
            may_hand_on(ctx, &live(tx, id, None).await?, "id")?;
            if secrets_of(tx, &[id], MOST).await?.len() >= LIVE_SECRETS {
                let told = "It has two live secrets; revoke one of them first.";
                return Err(Error::refused(ErrorCode::LimitReached, "id", told));
            }
            let (client, secret) = new_secret(ctx, tx, id).await?;
            shown = Some(secret);
            Ok(client)
        });
        let rotated = rotated.await;
        answer(ctx, rotated, shown)
    }

    /// Revokes one of a program's secrets, at once.
    #[graphql(directive = requires::apply(ApiClientManage))]
    async fn api_client_secret_revoke(
        &self,
        ctx: &Context<'_>,
        id: ApiClientId,
        #[graphql(desc = "Which secret.")] secret_id: ApiSecretId,
    ) -> Result<Option<ApiClientPayload>> {
        let revoked = ctx.write(ApiClientManage, async |tx| {
            live(tx, id, None).await?;
            if !model::Secret::revoke(tx, id, secret_id, ctx.clock().now()).await? {
                let told = "It has no such live secret.";
                return Err(Error::refused(ErrorCode::NotFound, "secretId", told));
            }
            let newest = secrets_of(tx, &[id], MOST).await?.into_iter().next();
            let prefix = Some(newest.map(|(_, secret)| secret.prefix).unwrap_or_default());
            let changes = ApiClientChanges { prefix, ..ApiClientChanges::default() };
            model::ApiClient::update(tx, id, changes).await
        });
        answer(ctx, revoked.await, None)
    }

    /// Shuts a program out, at once and for good.
    #[graphql(directive = requires::apply(ApiClientManage))]
    async fn api_client_revoke(
        &self,
        ctx: &Context<'_>,
        id: ApiClientId,
        expected_version: Option<i32>,
    ) -> Result<Option<ApiClientPayload>> {
        let revoked = ctx.write(ApiClientManage, async |tx| {
            live(tx, id, expected_version).await?;
            let revoked_at = Some(ctx.clock().now());
            let changes = ApiClientChanges { revoked_at, ..ApiClientChanges::default() };
            model::ApiClient::update(tx, id, changes).await
        });
        answer(ctx, revoked.await, None)
    }
}

/// For a change; a revoked one stays as it is.
async fn live(tx: &TenantConn, id: ApiClientId, version: Option<i32>) -> Result<model::ApiClient> {
    let client = model::ApiClient::lock(tx, id, version).await?;
    match client.revoked_at {
        None => Ok(client),
        Some(_) => Err(Error::refused(ErrorCode::Withdrawn, "id", "The program was revoked.")),
    }
}

/// A program that may do more than one may oneself is not for one to open.
pub fn may_hand_on(ctx: &Context<'_>, client: &model::ApiClient, field: &str) -> Result<()> {
    let grants = &ctx.viewer()?.grants;
    let known = client.scopes.iter().filter_map(|scope| Permission::named(scope));
    match known.into_iter().all(|scope| grants.scope(scope) == Some(Scope::All)) {
        true => Ok(()),
        false => {
            let told = "The program may do more than you.";
            Err(Error::refused(ErrorCode::ForbiddenField, field, told))
        }
    }
}

async fn new_secret(
    ctx: &Context<'_>,
    tx: &TenantConn,
    client_id: ApiClientId,
) -> Result<(model::ApiClient, String)> {
    let secret = ClientSecret::new(tx.tenant())?;
    let (id, prefix) = (ApiSecretId::new(ctx.clock()), secret.prefix.clone());
    let kept = model::Secret { id, client_id, prefix, created_at: ctx.clock().now() };
    model::Secret::insert(tx, &kept, &secret.hash()).await?;
    let prefix = Some(secret.prefix.clone());
    let changes = ApiClientChanges { prefix, ..ApiClientChanges::default() };
    Ok((model::ApiClient::update(tx, client_id, changes).await?, secret.text()))
}

/// What a program is and may do is known at once.
fn answer(
    ctx: &Context<'_>,
    result: Result<model::ApiClient>,
    secret: Option<String>,
) -> Result<Option<ApiClientPayload>> {
    ctx.data_unchecked::<Sessions>().forget();
    ctx.data_unchecked::<Registry>().forget();
    let (api_client, problems) = match result {
        Ok(client) => (Some(ApiClient(client)), Vec::new()),
        Err(error) => (None, refusals(error)?),
    };
    let secret = secret.filter(|_| api_client.is_some());
    let user_errors = problems.into_iter().map(Into::into).collect();
    Ok(Some(ApiClientPayload { api_client, secret, user_errors }))
}

impl ApiClientCreateInput {
    fn check(self, ctx: &Context<'_>) -> Result<NewApiClient> {
        let mut check = Check::new();
        let new = NewApiClient {
            id: ApiClientId::new(ctx.clock()),
            name: check.text("name", self.name, 100),
            prefix: String::new(),
            scopes: scopes(ctx, &mut check, self.scopes)?,
            mode: self.mode.word(),
            addresses: nets(&mut check, self.addresses).unwrap_or_default(),
            expires_at: self.expires_at,
            most_points: self.maximum_points,
            restored_points: self.restore_rate,
        };
        later(ctx, &mut check, new.expires_at);
        allowed(ctx, &mut check, (new.most_points, new.restored_points));
        check.done(new)
    }
}

impl ApiClientUpdateInput {
    fn check(self, ctx: &Context<'_>) -> Result<ApiClientChanges> {
        let mut check = Check::new();
        let scopes = self.scopes.map(|list| scopes(ctx, &mut check, list)).transpose()?;
        let changes = ApiClientChanges {
            name: check.keep_or_text("name", self.name, 100),
            scopes,
            mode: self.mode.map(ClientMode::word),
            addresses: nets(&mut check, self.addresses),
            expires_at: keep(self.expires_at),
            most_points: keep(self.maximum_points),
            restored_points: keep(self.restore_rate),
            ..ApiClientChanges::default()
        };
        later(ctx, &mut check, changes.expires_at.flatten());
        let allowance = (changes.most_points.flatten(), changes.restored_points.flatten());
        allowed(ctx, &mut check, allowance);
        check.done(changes)
    }
}

/// Nobody hands out what they do not hold, nor what no program can hold.
fn scopes(ctx: &Context<'_>, check: &mut Check, mut names: Vec<String>) -> Result<Vec<String>> {
    let viewer = ctx.viewer()?;
    names.sort();
    names.dedup();
    for name in &names {
        match Permission::named(name) {
            None => {
                let told = format!("\"{name:.50}\" is no permission");
                check.problem(ErrorCode::Invalid, "scopes", &told);
            }
            Some(known) if !known.is_for_programs() => {
                let told = format!("{name} is for people");
                check.problem(ErrorCode::ForbiddenField, "scopes", &told);
            }
            // A program has no team: its scopes reach all.
            Some(known) if viewer.grants.scope(known) != Some(Scope::All) => {
                let told = format!("{name} is not yours to give");
                check.problem(ErrorCode::ForbiddenField, "scopes", &told);
            }
            Some(_) => {}
        }
    }
    Ok(names)
}

fn nets(check: &mut Check, list: Option<Vec<String>>) -> Option<Vec<String>> {
    let nets = check.parse("addresses", list, |list| addresses("addresses", list))?;
    Some(nets.iter().map(ToString::to_string).collect())
}

/// As far as the operator lets administrators go.
fn allowed(ctx: &Context<'_>, check: &mut Check, (points, restored): (Option<i32>, Option<i32>)) {
    let most = ctx.data_unchecked::<Examiner>().limits().most_allowed();
    for (field, wanted, most) in
        [("maximumPoints", points, most.0), ("restoreRate", restored, most.1)]
    {
        let fits = |wanted| u32::try_from(wanted).is_ok_and(|wanted| (1..=most).contains(&wanted));
        if !wanted.is_none_or(fits) {
            let told = format!("must be between 1 and {most} on this server");
            check.problem(ErrorCode::Invalid, field, &told);
        }
    }
}

fn later(ctx: &Context<'_>, check: &mut Check, expires_at: Option<Timestamp>) {
    if expires_at.is_some_and(|at| at <= ctx.clock().now()) {
        check.problem(ErrorCode::Invalid, "expiresAt", "lies in the past");
    }
}
