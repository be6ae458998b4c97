use async_graphql::{Context, InputObject, Many, MaybeUndefined, Object};

use super::super::{
    ScoreRuleId,
    model::scores::{MOST_RULES, NewScoreRule, ScoreRule as Row, ScoreRuleChanges, rescore_later},
    scoring::Part,
    values::{ScoreDirection, ScoreEvent, ScoreField, ScoreOperator},
};
use crate::{
    access::Permission::*,
    clock::{Clock, Timestamp},
    db::Deleted,
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Check, DeletePayload, Doors, keep, requires},
    money::Exact,
    payload,
};

/// What makes a lead a better or a worse one: what a field says, or what happened with it.
pub struct ScoreRule(Row);

/// What makes a lead a better or a worse one: what a field says, or what happened with it.
#[Object]
impl ScoreRule {
    /// Its id.
    pub async fn id(&self) -> ScoreRuleId {
        self.0.id
    }

    /// Its name; no other rule has it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The field that it looks at; null when it is about what happened.
    async fn field(&self) -> Option<ScoreField> {
        self.0.field
    }

    /// How it compares the field.
    async fn operator(&self) -> Option<ScoreOperator> {
        self.0.operator
    }

    /// What it compares the field with.
    async fn value(&self) -> Option<&str> {
        self.0.value.as_deref()
    }

    /// What it counts, each time; null when it is about a field.
    async fn event(&self) -> Option<ScoreEvent> {
        self.0.event
    }

    /// Which way that went; null: either.
    async fn direction(&self) -> Option<ScoreDirection> {
        self.0.direction
    }

    /// What it gives, from −50 to 50.
    async fn points(&self) -> i32 {
        self.0.points
    }

    /// After how many days half of the points are left; null: they stay.
    async fn half_life_days(&self) -> Option<i32> {
        self.0.half_life_days
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A rule to be made: about a field, or about an event.
#[derive(InputObject)]
pub struct ScoreRuleCreateInput {
    /// Its name, 1 to 100 characters.
    name: String,
    /// The field that it looks at.
    field: Option<ScoreField>,
    /// How it compares the field; EQUALS when absent.
    operator: Option<ScoreOperator>,
    /// What it compares the field with, at most 200 characters; PRESENT and ABSENT need none.
    value: Option<String>,
    /// What it counts, each time.
    event: Option<ScoreEvent>,
    /// Which way that went; either when absent.
    direction: Option<ScoreDirection>,
    /// What it gives, from −50 to 50.
    points: i32,
    /// After how many days half of the points are left, from 1 to 3650; absent: they stay.
    half_life_days: Option<i32>,
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct ScoreRuleUpdateInput {
    /// Its name, 1 to 100 characters.
    name: MaybeUndefined<String>,
    /// The field that it looks at.
    field: MaybeUndefined<ScoreField>,
    /// How it compares the field.
    operator: MaybeUndefined<ScoreOperator>,
    /// What it compares the field with, at most 200 characters.
    value: MaybeUndefined<String>,
    /// What it counts, each time.
    event: MaybeUndefined<ScoreEvent>,
    /// Which way that went; either when null.
    direction: MaybeUndefined<ScoreDirection>,
    /// What it gives, from −50 to 50.
    points: Option<i32>,
    /// After how many days half of the points are left, from 1 to 3650; null: they stay.
    half_life_days: MaybeUndefined<i32>,
}

fn within(from: i32, to: i32) -> impl Fn(i32) -> Result<i32, Problem> {
    move |number| {
        let told = format!("must be from {from} to {to}");
        let wrong = || Problem::new(ErrorCode::Invalid, [], told);
        (from..=to).contains(&number).then_some(number).ok_or_else(wrong)
    }
}

/// What a rule is about, as a whole.
fn whole(
    check: &mut Check,
    (field, operator, value): (Option<ScoreField>, Option<ScoreOperator>, Option<&str>),
    event: Option<ScoreEvent>,
) {
    use ScoreOperator::{Absent, AtLeast, AtMost, Present};
    if field.is_some() == event.is_some() {
        let told = "is about a field or about an event, not both";
        check.problem(ErrorCode::Invalid, "field", told);
    }
    let needs_none = field.is_none() || matches!(operator, Some(Present | Absent));
    if !needs_none && value.is_none() {
        check.problem(ErrorCode::Required, "value", "is what the field is compared with");
    }
    let number = || value.is_some_and(|value| value.parse::<rust_decimal::Decimal>().is_ok());
    if field.is_some() && matches!(operator, Some(AtLeast | AtMost)) && !number() {
        check.problem(ErrorCode::Invalid, "value", "must be a number");
    }
}

impl ScoreRuleCreateInput {
    fn check(self, clock: &Clock) -> Result<NewScoreRule> {
        let mut check = Check::new();
        let value = check.optional("value", self.value, 200);
        let operator = self.field.map(|_| self.operator.unwrap_or(ScoreOperator::Equals));
        whole(&mut check, (self.field, operator, value.as_deref()), self.event);
        let new = NewScoreRule {
            id: ScoreRuleId::new(clock),
            name: check.text("name", self.name, 100),
            field: self.field,
            operator,
            value,
            event: self.event,
            direction: self.direction,
            points: check.parse("points", Some(self.points), within(-50, 50)).unwrap_or_default(),
            half_life_days: check.parse("halfLifeDays", self.half_life_days, within(1, 3650)),
        };
        check.done(new)
    }
}

impl ScoreRuleUpdateInput {
    fn check(self, row: &Row) -> Result<ScoreRuleChanges> {
        let mut check = Check::new();
        let changes = ScoreRuleChanges {
            name: check.keep_or_text("name", self.name, 100),
            field: keep(self.field),
            operator: keep(self.operator),
            value: check.keep_or_optional("value", self.value, 200),
            event: keep(self.event),
            direction: keep(self.direction),
            points: check.parse("points", self.points, within(-50, 50)),
            half_life_days: check.keep_or_parse(
                "halfLifeDays",
                self.half_life_days,
                within(1, 3650),
            ),
        };
        let field = changes.field.unwrap_or(row.field);
        let operator = changes.operator.unwrap_or(row.operator);
        let value = changes.value.clone().unwrap_or_else(|| row.value.clone());
        let event = changes.event.unwrap_or(row.event);
        whole(&mut check, (field, operator, value.as_deref()), event);
        if field.is_some() && operator.is_none() {
            check.problem(ErrorCode::Required, "operator", "says how the field is compared");
        }
        check.done(changes)
    }
}

payload! {
    /// The answer to a change of a rule of the score.
    ScoreRulePayload {
        /// The rule as it is now; null when nothing was written.
        score_rule: ScoreRule
    }
}

#[derive(Default)]
pub struct ScoreQuery;

#[Object]
impl ScoreQuery {
    /// The rules that leads are scored by, by name; at most 100.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn score_rules(&self, ctx: &Context<'_>) -> Result<Option<Many<ScoreRule>>> {
        let conn = ctx.read(SalesManage).await?;
        Ok(Some(Row::all(&conn).await?.into_iter().map(ScoreRule).collect()))
    }
}

#[derive(Default)]
pub struct ScoreMutation;

#[Object]
impl ScoreMutation {
    /// Makes a rule. The scores of all leads are computed anew a moment later.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn score_rule_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rule.")] input: ScoreRuleCreateInput,
    ) -> Result<Option<ScoreRulePayload>> {
        let made = ctx.write(SalesManage, async |tx| {
            let new = input.check(ctx.clock())?;
            let count = i64::try_from(Row::all(tx).await?.len()).unwrap_or(MOST_RULES);
            if count >= MOST_RULES {
                let told = format!("There are at most {MOST_RULES} rules.");
                return Err(Error::refused(ErrorCode::LimitReached, "name", &told));
            }
            rescore_later(tx, ctx.clock(), None).await?;
            Row::insert(tx, new).await
        });
        ScoreRulePayload::of(made.await.map(ScoreRule))
    }

    /// Changes a rule. The scores of all leads are computed anew a moment later.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn score_rule_update(
        &self,
        ctx: &Context<'_>,
        id: ScoreRuleId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: ScoreRuleUpdateInput,
    ) -> Result<Option<ScoreRulePayload>> {
        let changed = ctx.write(SalesManage, async |tx| {
            let row = Row::lock(tx, id, expected_version).await?;
            let changes = input.check(&row)?;
            rescore_later(tx, ctx.clock(), None).await?;
            Row::update(tx, id, changes).await
        });
        ScoreRulePayload::of(changed.await.map(ScoreRule))
    }

    /// Deletes a rule. The scores of all leads are computed anew a moment later.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn score_rule_delete(
        &self,
        ctx: &Context<'_>,
        id: ScoreRuleId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(SalesManage, async |tx| {
            Row::lock(tx, id, expected_version).await?;
            Row::delete(tx, id).await?;
            rescore_later(tx, ctx.clock(), None).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }
}

/// What a rule gave a lead, once.
pub struct ScorePart(pub Part, pub Timestamp);

/// What a rule gave a lead, once.
#[Object]
impl ScorePart {
    /// The rule's name.
    async fn rule(&self) -> &str {
        &self.0.name
    }

    /// The rule's id.
    async fn rule_id(&self) -> ScoreRuleId {
        ScoreRuleId(self.0.rule)
    }

    /// What it gave then.
    async fn points(&self) -> i32 {
        self.0.points
    }

    /// What is left of that now: it halves with each half-life of the rule.
    async fn decayed(&self) -> Exact {
        Exact(self.0.decayed(self.1).round_dp(4).normalize())
    }

    /// What it was given for.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Since when.
    async fn at(&self) -> Timestamp {
        Timestamp(chrono::DateTime::from_timestamp(self.0.at, 0).unwrap_or_default())
    }
}
