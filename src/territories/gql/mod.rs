mod member;

use member::TerritoryMember;

use async_graphql::{Context, InputObject, Many, MaybeUndefined, Object};

use super::{
    RuleId, TerritoryId,
    model::{self, NewRule, NewTerritory, TerritoryChanges},
};
use crate::{
    access::Permission::*,
    accounts::UserId,
    by_id, column, connection,
    db::{Deleted, TenantConn, Test, Value},
    error::{Error, ErrorCode, Problem, Result},
    filter,
    graphql::{Check, DeletePayload, Doors, IDFilter, Paging, StringFilter, keep, requires},
    has_many, payload,
};

/// The deepest place in the tree.
const DEEPEST: usize = 10;
/// The most rules or members of one territory.
const MOST: usize = 200;

by_id!(
    /// Territories by id.
    TerritoryById, territories, model::Territory, TerritoryId, TerritoryRead
);
has_many!(
    /// Those right below a territory.
    TerritoriesBelow, max 200, model::Territory::children_of, TerritoryId, model::Territory, TerritoryRead
);
has_many!(
    /// What belongs into a territory.
    RulesOfTerritory, max 200, model::Rule::of_territories, TerritoryId, model::Rule, TerritoryRead
);
has_many!(
    /// Those who work in a territory.
    MembersOfTerritory, max 200, model::Member::of_territories, TerritoryId, model::Member, TerritoryRead
);

/// A part of where the tenant sells.
pub struct Territory(pub model::Territory);

/// A part of where the tenant sells.
#[Object]
impl Territory {
    /// Its id.
    pub async fn id(&self) -> TerritoryId {
        self.0.id
    }

    /// Its name; no other one beside it has it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The territory that it is a part of.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Territory>> {
        let Some(parent) = self.0.parent_id else { return Ok(None) };
        Ok(ctx.load::<TerritoryById>(parent).await?.map(Territory))
    }

    /// Its parts, by name.
    async fn children(&self, ctx: &Context<'_>) -> Result<Many<Territory>> {
        let below = ctx.load::<TerritoriesBelow>(self.0.id).await?;
        Ok(below.into_iter().map(Territory).collect())
    }

    /// What belongs into it, the highest priority first.
    async fn rules(&self, ctx: &Context<'_>) -> Result<Many<TerritoryRule>> {
        let rules = ctx.load::<RulesOfTerritory>(self.0.id).await?;
        Ok(rules.into_iter().map(TerritoryRule).collect())
    }

    /// Those who work in it, its managers first.
    async fn members(&self, ctx: &Context<'_>) -> Result<Many<TerritoryMember>> {
        let members = ctx.load::<MembersOfTerritory>(self.0.id).await?;
        Ok(members.into_iter().map(TerritoryMember).collect())
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// What belongs into a territory. Each part that is there must fit.
pub struct TerritoryRule(model::Rule);

/// What belongs into a territory. Each part that is there must fit; of all rules that fit a record
/// the one with the most parts wins, then the one with the highest priority, then the oldest.
#[Object]
impl TerritoryRule {
    /// Its id.
    pub async fn id(&self) -> RuleId {
        self.0.id
    }

    /// In one of these countries.
    async fn countries(&self) -> Option<&[String]> {
        self.0.countries.as_deref()
    }

    /// With a postal code that begins with one of these.
    async fn postal_prefixes(&self) -> Option<&[String]> {
        self.0.postal_prefixes.as_deref()
    }

    /// Of one of these industries.
    async fn industries(&self) -> Option<&[String]> {
        self.0.industries.as_deref()
    }

    /// With at least so many employees.
    async fn employees_min(&self) -> Option<i32> {
        self.0.employees_min
    }

    /// With at most so many employees.
    async fn employees_max(&self) -> Option<i32> {
        self.0.employees_max
    }

    /// Which rule wins of two that are equally specific: the higher one.
    async fn priority(&self) -> i32 {
        self.0.priority
    }
}

filter! {
    /// Which territories.
    TerritoryWhere {
        /// By id.
        id: IDFilter => |id, _| id.of(TerritoryId::parse, column!(territories::id)),
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(territories::name_key)),
        /// By the territory right above; null: the roots.
        parent_id: IDFilter => |id, _| id.of(TerritoryId::parse, column!(territories::parent_id)),
        /// This territory, and all below it.
        under: TerritoryId => |id, _| {
            let is_above = Test::Has(Value::Uuid(id.into()));
            Ok(Filter::Is(column!(territories::lineage), is_above))
        },
    }
}

connection! {
    /// A page of territories.
    Territory as TerritoryConnection, TerritoryEdge, of model::Territory, which TerritoryWhere, permission TerritoryRead;
    id territories::id;
    /// How to sort territories.
    order TerritoryOrder by TerritoryOrderField {
        /// By name, upper and lower case alike.
        Name => territories::name_key, |territory| Value::Text(territory.0.name_key.clone());
    }
}

payload! {
    /// The answer to a change of a territory.
    TerritoryPayload {
        /// The territory as it is now; null when nothing was written.
        territory: Territory
    }
}

#[derive(Default)]
pub struct TerritoryQuery;

#[Object]
impl TerritoryQuery {
    /// One territory.
    #[graphql(directive = requires::apply(TerritoryRead))]
    async fn territory(&self, ctx: &Context<'_>, id: TerritoryId) -> Result<Option<Territory>> {
        let conn = ctx.read(TerritoryRead).await?;
        Ok(Some(Territory(model::Territory::find(&conn, id).await?)))
    }

    /// The territories, a page at a time.
    #[graphql(directive = requires::apply(TerritoryRead))]
    async fn territories(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<TerritoryWhere>,
        order_by: Option<Vec<TerritoryOrder>>,
    ) -> Result<Option<TerritoryConnection>> {
        let paging = Paging { first, after, last, before, ..Paging::default() };
        TerritoryConnection::load(ctx, paging, r#where, order_by).await
    }
}

/// A territory to be made.
#[derive(InputObject)]
pub struct TerritoryCreateInput {
    /// Its name, 1 to 100 characters.
    name: String,
    /// The territory that it is a part of; a root when absent.
    parent_id: Option<TerritoryId>,
}

/// What to change: an absent field keeps its value.
#[derive(InputObject)]
pub struct TerritoryUpdateInput {
    /// Its name, 1 to 100 characters.
    name: MaybeUndefined<String>,
    /// The territory that it becomes a part of, with all that is below it; null makes it a root.
    parent_id: MaybeUndefined<TerritoryId>,
}

/// What belongs into a territory; at least one part.
#[derive(InputObject)]
pub struct TerritoryRuleInput {
    /// In one of these countries.
    countries: Option<Vec<String>>,
    /// With a postal code that begins with one of these.
    postal_prefixes: Option<Vec<String>>,
    /// Of one of these industries.
    industries: Option<Vec<String>>,
    /// With at least so many employees.
    employees_min: Option<i32>,
    /// With at most so many employees.
    employees_max: Option<i32>,
    /// Which rule wins of two that are equally specific: the higher one; 0 when absent.
    priority: Option<i32>,
}

/// Somebody who works in a territory.
#[derive(InputObject)]
pub struct TerritoryMemberInput {
    /// Who.
    user_id: UserId,
    /// Do they lead it?
    #[graphql(default)]
    is_manager: bool,
}

/// A list of words for a rule: without white space, none of them empty.
fn words(list: Option<Vec<String>>) -> Option<Vec<String>> {
    let list: Vec<String> = list?.into_iter().map(|word| word.trim().to_owned()).collect();
    let list: Vec<String> = list.into_iter().filter(|word| !word.is_empty()).collect();
    (!list.is_empty()).then_some(list)
}

impl TerritoryRuleInput {
    fn check(self, id: RuleId, territory_id: TerritoryId, at: usize) -> Result<NewRule> {
        let refuse = |message: &str| {
            let at = at.to_string();
            let problem = Problem::new(ErrorCode::Invalid, ["rules", at.as_str()], message);
            Err(Error::Refused(vec![problem]))
        };
        let rule = NewRule {
            id,
            territory_id,
            countries: words(self.countries),
            postal_prefixes: words(self.postal_prefixes),
            industries: words(self.industries),
            employees_min: self.employees_min,
            employees_max: self.employees_max,
            priority: self.priority.unwrap_or_default(),
        };
        let lists = [&rule.countries, &rule.postal_prefixes, &rule.industries];
        if lists.iter().any(|list| list.as_ref().is_some_and(|list| list.len() > MOST)) {
            return refuse("has a list that is longer than 200");
        }
        let sizes = [rule.employees_min, rule.employees_max];
        if lists.iter().all(|list| list.is_none()) && sizes.iter().all(Option::is_none) {
            return refuse("must ask for something");
        }
        if let [Some(min), Some(max)] = sizes
            && min > max
        {
            return refuse("asks for more employees than it allows");
        }
        Ok(rule)
    }
}

/// The lineage that something below `parent` begins with.
fn above(
    tree: &[model::Territory],
    parent: Option<TerritoryId>,
) -> Result<Option<&model::Territory>> {
    let Some(parent) = parent else { return Ok(None) };
    let found = tree.iter().find(|territory| territory.id == parent);
    let told = "There is no such territory.";
    found.map(Some).ok_or_else(|| Error::refused(ErrorCode::NotFound, "parentId", told))
}

fn too_deep() -> Error {
    let told = format!("Territories nest at most {DEEPEST} deep.");
    Error::refused(ErrorCode::LimitReached, "parentId", &told)
}

async fn update(
    tx: &TenantConn,
    id: TerritoryId,
    expected_version: Option<i32>,
    input: TerritoryUpdateInput,
) -> Result<model::Territory> {
    let mut check = Check::new();
    let name = check.keep_or_text("name", input.name, 100);
    let parent_id = keep(input.parent_id);
    let changes = check.done(TerritoryChanges { name, parent_id })?;
    if let Some(parent) = parent_id {
        let tree = model::Territory::hold_tree(tx).await?;
        let moved = tree.iter().find(|one| one.id == id).ok_or(Error::NotFound)?;
        let parent = above(&tree, parent)?;
        if parent.is_some_and(|parent| moved.is_above(parent)) {
            let told = "A territory is no part of itself.";
            return Err(Error::refused(ErrorCode::Cycle, "parentId", told));
        }
        let lineage = parent.map(|parent| parent.lineage.clone()).unwrap_or_default();
        let below = tree.iter().filter(|one| moved.is_above(one));
        let deepest = below.map(|one| one.lineage.len()).max().unwrap_or_default();
        if deepest + 1 - moved.lineage.len() + lineage.len() > DEEPEST {
            return Err(too_deep());
        }
        // The version that the caller has seen is that from before the move.
        model::Territory::lock(tx, id, expected_version).await?;
        model::Territory::move_to(tx, moved, lineage).await?;
        return model::Territory::update(tx, id, changes).await;
    }
    model::Territory::lock(tx, id, expected_version).await?;
    model::Territory::update(tx, id, changes).await
}

#[derive(Default)]
pub struct TerritoryMutation;

#[Object]
impl TerritoryMutation {
    /// Makes a territory.
    #[graphql(directive = requires::apply(TerritoryManage))]
    async fn territory_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The territory.")] input: TerritoryCreateInput,
    ) -> Result<Option<TerritoryPayload>> {
        let made = ctx.write(TerritoryManage, async |tx| {
            let mut check = Check::new();
            let name = check.text("name", input.name, 100);
            check.done(())?;
            let (id, parent_id) = (TerritoryId::new(ctx.clock()), input.parent_id);
            let tree = model::Territory::hold_tree(tx).await?;
            let parent = above(&tree, parent_id)?;
            let mut lineage = parent.map(|parent| parent.lineage.clone()).unwrap_or_default();
            if lineage.len() >= DEEPEST {
                return Err(too_deep());
            }
            lineage.push(id.into());
            model::Territory::insert(tx, NewTerritory { id, name, parent_id, lineage }).await
        });
        TerritoryPayload::of(made.await.map(Territory))
    }

    /// Changes a territory. A new `parentId` takes all that is below it along.
    #[graphql(directive = requires::apply(TerritoryManage))]
    async fn territory_update(
        &self,
        ctx: &Context<'_>,
        id: TerritoryId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: TerritoryUpdateInput,
    ) -> Result<Option<TerritoryPayload>> {
        let changed =
            ctx.write(TerritoryManage, async |tx| update(tx, id, expected_version, input).await);
        TerritoryPayload::of(changed.await.map(Territory))
    }

    /// Deletes a territory with its rules and members, if nothing is below it or in it.
    #[graphql(directive = requires::apply(TerritoryManage))]
    async fn territory_delete(
        &self,
        ctx: &Context<'_>,
        id: TerritoryId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(TerritoryManage, async |tx| {
            model::Territory::lock(tx, id, expected_version).await?;
            model::Territory::delete(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }

    /// Says what belongs into a territory: exactly these rules from now on, at most 200.
    #[graphql(directive = requires::apply(TerritoryManage))]
    async fn territory_rules_replace(
        &self,
        ctx: &Context<'_>,
        id: TerritoryId,
        expected_version: Option<i32>,
        #[graphql(desc = "Its rules.")] rules: Vec<TerritoryRuleInput>,
    ) -> Result<Option<TerritoryPayload>> {
        let changed = ctx.write(TerritoryManage, async |tx| {
            if rules.len() > MOST {
                return Err(Error::BadInput(format!("A territory has at most {MOST} rules.")));
            }
            let checked = rules.into_iter().enumerate();
            let checked = checked.map(|(at, rule)| rule.check(RuleId::new(ctx.clock()), id, at));
            let rules = checked.collect::<Result<Vec<_>>>()?;
            let territory = model::Territory::lock(tx, id, expected_version).await?;
            model::Rule::replace(tx, id, rules).await?;
            Ok(territory)
        });
        TerritoryPayload::of(changed.await.map(Territory))
    }

    /// Says who works in a territory: exactly these people from now on, at most 200.
    #[graphql(directive = requires::apply(TerritoryManage))]
    async fn territory_members_replace(
        &self,
        ctx: &Context<'_>,
        id: TerritoryId,
        expected_version: Option<i32>,
        #[graphql(desc = "Its members, each once.")] members: Vec<TerritoryMemberInput>,
    ) -> Result<Option<TerritoryPayload>> {
        let changed = ctx.write(TerritoryManage, async |tx| {
            let list: Vec<_> = members.iter().map(|one| (one.user_id, one.is_manager)).collect();
            let twice = |at: usize| list[..at].iter().any(|(user, _)| *user == list[at].0);
            if list.len() > MOST || (0..list.len()).any(twice) {
                let told = format!("A territory has at most {MOST} members, each once.");
                return Err(Error::BadInput(told));
            }
            let territory = model::Territory::lock(tx, id, expected_version).await?;
            model::Member::replace(tx, ctx.clock(), id, &list).await?;
            Ok(territory)
        });
        TerritoryPayload::of(changed.await.map(Territory))
    }
}
