use async_graphql::{Context, Enum, ID, Many, Object, SimpleObject};

use super::{
    super::{
        UserId,
        model::{self, members_of, roles_of, territories_of},
    },
    types::{Reach, Role, User},
};
use crate::{
    access::{Guarded, HeldRole, Permission, Permission::*, Scope, Viewer, Who},
    db,
    error::{Error, Result},
    graphql::{Doors, Node, find, requires},
    ids::RawId,
};

/// The rule that grants or refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AccessReason {
    /// A role grants it for all records of the tenant.
    All,
    /// A role grants it for one's own records, and this is one.
    Own,
    /// A role grants it for the records of those who report to one, and this is one.
    Team,
    /// A role grants it for the records of one's territories, or of a record that one sees, and this is
    /// one.
    Related,
    /// Roles grant it, but no further than to other people's records than this one's owner.
    OutOfReach,
    /// No role grants it.
    NotGranted,
    /// The person was deactivated.
    Deactivated,
}

/// What a person may do with a record, and why.
#[derive(SimpleObject)]
pub struct AccessExplanation {
    /// The record.
    record: Node,
    /// The person.
    user: User,
    /// A rule for each permission about this kind of record.
    rules: Many<AccessRule>,
}

/// Why a permission does or does not cover a record.
#[derive(SimpleObject)]
pub struct AccessRule {
    /// Such as "company:read".
    permission: &'static str,
    /// The fields that it is about; empty: the record as a whole.
    fields: Vec<&'static str>,
    /// May they?
    allowed: bool,
    /// Why.
    reason: AccessReason,
    /// How far the permission reaches for them; null: they do not have it.
    reach: Option<Reach>,
    /// The roles of theirs that grant it.
    roles: Many<Role>,
    /// The same in a sentence.
    explanation: String,
}

#[derive(Default)]
pub struct ExplainQuery;

#[Object]
impl ExplainQuery {
    /// What a person may do with a record, and which rule says so. Of a record that you may not
    /// see yourself nothing is said.
    #[graphql(directive = requires::apply(UserManage))]
    async fn explain_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which record.")] record_id: ID,
        #[graphql(desc = "Who.")] user_id: UserId,
    ) -> Result<Option<AccessExplanation>> {
        let conn = ctx.read(UserManage).await?;
        let record = find(ctx, &record_id).await?;
        let user = model::User::find(&conn, user_id).await?.ok_or(Error::NotFound)?;
        let standing = roles_of(&conn, &[user_id]).await?.remove(&user_id).unwrap_or_default();
        let (active, roles) = (standing.active, standing.held());
        let team = members_of(&conn, user_id).await?.into();
        let territories = territories_of(&conn, user_id).await?.into();
        let person = Viewer::new(Who::Person(user_id), conn.tenant(), roles);
        let person = Viewer { team, territories, ..person };
        let raw = RawId::parse(&record_id).ok_or(Error::NotFound)?;
        let kind = Guarded::by_prefix(raw.prefix);
        let mut reached = Vec::new();
        // Most permissions about a record reach equally far.
        let mut known: Vec<(db::Reach, bool)> = Vec::new();
        for permission in kind.map(about).into_iter().flatten() {
            let reach = person.reach(*permission);
            let seen = match (known.iter().find(|(known, _)| *known == reach), kind) {
                (Some((_, seen)), _) => *seen,
                (None, Some(kind)) => {
                    let within = conn.with_reach(reach.clone());
                    let seen = kind.reference(raw.uuid).is_seen(&within).await?;
                    known.push((reach, seen));
                    seen
                }
                (None, None) => false,
            };
            reached.extend(seen.then_some(*permission));
        }
        let owner = record.owner();
        let case = Case { person, active, name: user.name.clone(), owner, reached };
        let rules = kind.map(|kind| case.rules(kind)).unwrap_or_default();
        Ok(Some(AccessExplanation { record, user: User(user), rules }))
    }
}

/// A person before a record.
struct Case {
    person: Viewer,
    active: bool,
    name: String,
    owner: Option<UserId>,
    /// The permissions whose reach has the record.
    reached: Vec<Permission>,
}

/// The permissions about a kind of record.
fn about(kind: &Guarded) -> impl Iterator<Item = &'static Permission> {
    let noun = |permission: Permission| permission.name().split(':').next().unwrap_or_default();
    let read = noun(kind.read);
    Permission::ALL.iter().filter(move |one| noun(**one) == read)
}

impl Case {
    fn rules(&self, kind: &Guarded) -> Many<AccessRule> {
        let about = about(kind).map(|one| self.rule(*one, Vec::new(), self.reached.contains(one)));
        let mut guarded: Vec<(Permission, Vec<&'static str>)> = Vec::new();
        for (column, permission) in kind.fields {
            match guarded.iter_mut().find(|(known, _)| known == permission) {
                Some((_, columns)) => columns.push(column),
                None => guarded.push((*permission, vec![column])),
            }
        }
        about.chain(guarded.into_iter().map(|(one, fields)| self.rule(one, fields, true))).collect()
    }

    fn rule(&self, permission: Permission, fields: Vec<&'static str>, covered: bool) -> AccessRule {
        let scope = self.person.grants.scope(permission);
        let owner = self.owner.map(|owner| owner.0);
        let in_team = owner.is_some_and(|owner| self.person.team.contains(&UserId(owner)));
        let reason = match scope {
            _ if !self.active => AccessReason::Deactivated,
            None => AccessReason::NotGranted,
            Some(_) if !covered => AccessReason::OutOfReach,
            Some(Scope::All) => AccessReason::All,
            Some(_) if owner == Some(self.person.actor()) => AccessReason::Own,
            Some(_) if in_team => AccessReason::Team,
            Some(_) => AccessReason::Related,
        };
        let grants = |role: &&HeldRole| role.grants.holds(permission);
        let roles: Vec<HeldRole> = self.person.roles.iter().filter(grants).cloned().collect();
        AccessRule {
            permission: permission.name(),
            fields,
            allowed: !matches!(
                reason,
                AccessReason::OutOfReach | AccessReason::NotGranted | AccessReason::Deactivated
            ),
            reason,
            reach: scope.map(Into::into),
            explanation: self.told(permission, reason, &roles),
            roles: roles.into_iter().map(Role).collect(),
        }
    }

    fn told(&self, permission: Permission, reason: AccessReason, roles: &[HeldRole]) -> String {
        let (name, roles) = (&self.name, roles.iter().map(|role| role.name.as_str()));
        let roles = roles.collect::<Vec<_>>().join(" and ");
        match reason {
            AccessReason::All => format!("{roles} grants {permission} for all records."),
            AccessReason::Own => {
                format!("{roles} grants {permission}, and {name} owns the record.")
            }
            AccessReason::Team => {
                format!("{roles} grants {permission}, and the record's owner reports to {name}.")
            }
            AccessReason::Related => format!(
                "{roles} grants {permission}, and the record is in a territory of {name}, or belongs to a record in reach."
            ),
            AccessReason::OutOfReach => format!(
                "{roles} grants {permission}, but the record's owner is neither {name} nor in reach."
            ),
            AccessReason::NotGranted => format!("No role of {name} grants {permission}."),
            AccessReason::Deactivated => format!("{name} was deactivated and may do nothing."),
        }
    }
}
