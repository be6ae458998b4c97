use async_graphql::{Context, InputObject, Object};
use ipnet::IpNet;

use super::super::{
    Sessions,
    model::{self, PolicyChanges},
    values::addresses,
};
use crate::{
    access::{Permission, Permission::*},
    error::{Error, ErrorCode, Result},
    graphql::{Check, Doors, requires},
    payload,
};

/// What a tenant asks of its people besides a password.
pub struct SecurityPolicy(model::Policy);

/// What a tenant asks of its people besides a password. Nothing, until it says so.
#[Object]
impl SecurityPolicy {
    /// From where administrators come, such as "203.0.113.0/24"; empty: from anywhere.
    async fn administrator_addresses(&self) -> &[String] {
        &self.0.administrator_addresses
    }

    /// What needs a second factor that was shown in the last ten minutes (`stepUp`).
    async fn step_up_permissions(&self) -> &[String] {
        &self.0.step_up_permissions
    }

    /// Fields that need one of these are written down in the audit trail when they are read.
    async fn recorded_permissions(&self) -> &[String] {
        &self.0.recorded_permissions
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen. Zero: there
    /// was no change yet.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// What to ask from now on: an absent field keeps its value.
#[derive(InputObject)]
pub struct SecurityPolicyInput {
    /// From where administrators come: addresses, or nets such as "203.0.113.0/24", at most 50.
    /// Your own is one of them. Empty: from anywhere.
    administrator_addresses: Option<Vec<String>>,
    /// What needs a fresh second factor, such as "user:manage".
    step_up_permissions: Option<Vec<String>>,
    /// Fields that need one of these, such as "money:read", are written down when they are read.
    recorded_permissions: Option<Vec<String>>,
}

payload! {
    /// The answer to a change of the tenant's security policy.
    SecurityPolicyPayload {
        /// The policy as it is now; null when nothing was written.
        security_policy: SecurityPolicy
    }
}

#[derive(Default)]
pub struct PolicyQuery;

#[Object]
impl PolicyQuery {
    /// What the tenant asks of its people besides a password.
    #[graphql(directive = requires::apply(SettingsRead))]
    async fn security_policy(&self, ctx: &Context<'_>) -> Result<Option<SecurityPolicy>> {
        let conn = ctx.read(SettingsRead).await?;
        Ok(Some(SecurityPolicy(model::Policy::find(&conn).await?)))
    }
}

#[derive(Default)]
pub struct PolicyMutation;

#[Object]
impl PolicyMutation {
    /// Says what the tenant asks of its people besides a password. It holds at once.
    #[graphql(directive = requires::apply(SettingsManage))]
    async fn security_policy_update(
        &self,
        ctx: &Context<'_>,
        expected_version: Option<i32>,
        #[graphql(desc = "What to ask from now on.")] input: SecurityPolicyInput,
    ) -> Result<Option<SecurityPolicyPayload>> {
        let changed = ctx.write(SettingsManage, async |tx| {
            let changes = input.check(ctx)?;
            let policy = model::Policy::lock(tx, ctx.clock(), expected_version).await?;
            // Who could take the question away could do without the answer.
            if !policy.step_up_permissions.is_empty() && !ctx.viewer()?.is_fresh(ctx.clock().now())
            {
                return Err(Error::StepUp(SettingsManage));
            }
            model::Policy::update(tx, changes).await
        });
        let changed = changed.await;
        ctx.data_unchecked::<Sessions>().forget();
        SecurityPolicyPayload::of(changed.map(SecurityPolicy))
    }
}

impl SecurityPolicyInput {
    fn check(self, ctx: &Context<'_>) -> Result<PolicyChanges> {
        let mut check = Check::new();
        let nets = |list| addresses("administratorAddresses", list);
        let nets = check.parse("administratorAddresses", self.administrator_addresses, nets);
        let own = ctx.session().caller().address;
        let reached = |nets: &Vec<IpNet>| {
            nets.is_empty() || own.is_some_and(|own| nets.iter().any(|net| net.contains(&own)))
        };
        if !nets.as_ref().is_none_or(reached) {
            let told = "would keep yourself out: your address is in none of them";
            check.problem(ErrorCode::Invalid, "administratorAddresses", told);
        }
        let step_up = known(&mut check, "stepUpPermissions", self.step_up_permissions, |it| {
            it.can_ask_again()
        });
        let recorded =
            known(&mut check, "recordedPermissions", self.recorded_permissions, |_| true);
        check.done(PolicyChanges {
            administrator_addresses: nets
                .map(|nets| nets.iter().map(ToString::to_string).collect()),
            step_up_permissions: step_up,
            recorded_permissions: recorded,
        })
    }
}

/// Names of permissions, each once.
fn known(
    check: &mut Check,
    field: &str,
    names: Option<Vec<String>>,
    may: impl Fn(Permission) -> bool,
) -> Option<Vec<String>> {
    let mut names = names?;
    names.sort();
    names.dedup();
    for name in &names {
        if !Permission::named(name).is_some_and(&may) {
            let told = format!("\"{name:.50}\" is no permission that can stand here");
            check.problem(ErrorCode::Invalid, field, &told);
        }
    }
    Some(names)
}
