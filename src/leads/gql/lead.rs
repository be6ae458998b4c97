use std::collections::HashMap;

use async_graphql::{Context, Many, Object};
use serde_json::json;

use super::super::{
    LeadId,
    model::{
        self, conversion,
        matches::{self, Alike, Found},
        scores::Score,
    },
    rules::{Block, Standing, Step, blocks, onward},
    scoring::grade,
    values::{DuplicateReason, LeadStatus},
};
use super::scoring::ScorePart;
use crate::{
    access::{
        Permission::{self, *},
        Viewer,
    },
    accounts::{User, UserById},
    activities::{ActivityConnection, ActivityOrder, ActivityWhere},
    by_id,
    clock::{Day, Timestamp},
    column,
    companies::{Company, CompanyById, CompanyRow},
    contacts::{Contact, ContactById, ContactRow},
    db::TenantConn,
    deals::{Deal, DealRow},
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Doors, Nesting, Node, Paging, Relation, Transition},
    has_many,
    tags::{Tag, tags},
    territories::{Territory, TerritoryById},
    timeline::{TimelineConnection, TimelineKind, timeline},
};

by_id!(
    /// Leads by id; deleted ones are not found.
    LeadById, leads[not deleted_at], model::Lead, LeadId, LeadRead
);

has_many!(
    /// What leads were linked with when they were made.
    LinksOfLead, max 20, matches::links_of, LeadId, Found, LeadRead
);

/// What a lead became; one at most.
macro_rules! became {
    ($(#[$doc:meta])* $name:ident, $rows:path, $row:ty, $permission:ident) => {
        $(#[$doc])*
        pub struct $name;

        impl Relation for $name {
            type Key = LeadId;
            type Value = Option<$row>;
            const PERMISSION: Permission = $permission;

            async fn load(
                conn: &TenantConn,
                keys: &[LeadId],
            ) -> Result<HashMap<LeadId, Option<$row>>> {
                let rows = $rows(conn, keys).await?;
                Ok(rows.into_iter().map(|(lead, row)| (lead, Some(row))).collect())
            }
        }
    };
}

became!(
    /// The contacts that leads became.
    ContactOfLead, conversion::contacts_of, ContactRow, ContactRead
);
became!(
    /// The companies that leads became.
    CompanyOfLead, conversion::companies_of, CompanyRow, CompanyRead
);

became!(
    /// The deals that leads became.
    DealOfLead, conversion::deals_of, DealRow, DealRead
);

/// What leads are worth.
pub struct ScoreOfLead;

impl Relation for ScoreOfLead {
    type Key = LeadId;
    type Value = Option<Score>;
    const PERMISSION: Permission = LeadRead;

    async fn load(conn: &TenantConn, keys: &[LeadId]) -> Result<HashMap<LeadId, Option<Score>>> {
        Score::of(conn, keys).await
    }
}

/// Somebody who may become a customer.
pub struct Lead(pub model::Lead);

/// Somebody who may become a customer.
#[Object]
impl Lead {
    /// Its id.
    pub async fn id(&self) -> LeadId {
        self.0.id
    }

    /// Who it is.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where they work.
    async fn organisation(&self) -> Option<&str> {
        self.0.organisation.as_deref()
    }

    /// Their e-mail address.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Their telephone number.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// Where it came from, such as "Trade fair".
    async fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// What their organisation does.
    async fn industry(&self) -> Option<&str> {
        self.0.industry.as_deref()
    }

    /// How many people work there.
    async fn employees(&self) -> Option<i32> {
        self.0.employees
    }

    /// Their country, best as an ISO 3166 code such as "DE".
    async fn country(&self) -> Option<&str> {
        self.0.country.as_deref()
    }

    /// Their postal code.
    async fn postal_code(&self) -> Option<&str> {
        self.0.postal_code.as_deref()
    }

    /// Their city.
    async fn city(&self) -> Option<&str> {
        self.0.city.as_deref()
    }

    /// Where it stands.
    async fn status(&self) -> LeadStatus {
        self.0.status
    }

    /// What it is worth now, from 0 to 100. It is never a change of the lead.
    async fn score(&self, ctx: &Context<'_>) -> Result<i32> {
        self.score_now(ctx).await
    }

    /// The score in a letter: A from 75 on, B from 50, C from 25, else D.
    async fn grade(&self, ctx: &Context<'_>) -> Result<&'static str> {
        self.score_now(ctx).await.map(grade)
    }

    /// What the score is made of.
    async fn score_parts(&self, ctx: &Context<'_>) -> Result<Many<ScorePart>> {
        let score = ctx.load::<ScoreOfLead>(self.0.id).await?;
        let now = ctx.clock().now();
        let parts = score.map(|score| score.parts).unwrap_or_default();
        Ok(parts.into_iter().map(|part| ScorePart(part, now)).collect())
    }

    /// Who looks after it; null while it waits for somebody.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(owner) = self.0.owner_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(owner).await?.map(User))
    }

    /// The territory it belongs to.
    async fn territory(&self, ctx: &Context<'_>) -> Result<Option<Territory>> {
        let Some(territory) = self.0.territory_id else { return Ok(None) };
        Ok(ctx.load::<TerritoryById>(territory).await?.map(Territory))
    }

    /// Until when it wants to be answered for the first time.
    async fn respond_by(&self) -> Option<Timestamp> {
        self.0.respond_by
    }

    /// When it was answered for the first time.
    async fn responded_at(&self) -> Option<Timestamp> {
        self.0.responded_at
    }

    /// Until when it rests, while it is NURTURING.
    async fn nurture_until(&self) -> Option<Day> {
        self.0.nurture_until
    }

    /// Why it was given up, while it is UNQUALIFIED.
    async fn lost_reason(&self) -> Option<&str> {
        self.0.lost_reason.as_deref()
    }

    /// What else is said of that.
    async fn lost_note(&self) -> Option<&str> {
        self.0.lost_note.as_deref()
    }

    /// How often it was taken up again.
    async fn reopened(&self) -> i32 {
        self.0.reopened
    }

    /// The lead that this one is, when it is a DUPLICATE. A lead that was merged is still found by
    /// its own id, with nothing changed: go on with this one.
    async fn merged_into(&self, ctx: &Context<'_>) -> Result<Option<Lead>> {
        let Some(into) = self.0.merged_into_id else { return Ok(None) };
        Ok(ctx.load::<LeadById>(into).await?.map(Lead))
    }

    /// What was done and is to be done about it.
    async fn activities(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        r#where: Option<ActivityWhere>,
        order_by: Option<Vec<ActivityOrder>>,
    ) -> Result<Option<ActivityConnection>> {
        let (paging, of) = (Paging::forward(first, after), column!(activities::lead_id));
        ActivityConnection::of(ctx, Nesting::of(self.0.id, of), paging, r#where, order_by).await
    }

    /// What it was linked with when it was made with `onDuplicate: LINK`, at most 20.
    async fn links(&self, ctx: &Context<'_>) -> Result<Many<DuplicateHit>> {
        let links = ctx.load::<LinksOfLead>(self.0.id).await?;
        Ok(links.into_iter().map(DuplicateHit).collect())
    }

    /// The contact that it became.
    async fn converted_contact(&self, ctx: &Context<'_>) -> Result<Option<Contact>> {
        if self.0.status != LeadStatus::Converted {
            return Ok(None);
        }
        Ok(ctx.load::<ContactOfLead>(self.0.id).await?.map(Contact))
    }

    /// The company that it became.
    async fn converted_company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        if self.0.status != LeadStatus::Converted {
            return Ok(None);
        }
        Ok(ctx.load::<CompanyOfLead>(self.0.id).await?.map(Company))
    }

    /// The deal that it became.
    async fn converted_deal(&self, ctx: &Context<'_>) -> Result<Option<Deal>> {
        if self.0.status != LeadStatus::Converted {
            return Ok(None);
        }
        Ok(ctx.load::<DealOfLead>(self.0.id).await?.map(Deal))
    }

    /// Where it can go from here, and what keeps you from taking it there.
    async fn available_transitions(&self, ctx: &Context<'_>) -> Result<Many<Transition>> {
        let score = ctx.load::<ScoreOfLead>(self.0.id).await?;
        let standing = standing(ctx.viewer()?, ctx.clock().now(), &self.0, score.as_ref());
        let transition = |step: Step| {
            let blocks = blocks(step, standing);
            let blocked_by = blocks.iter().map(|block| block.name().to_owned()).collect();
            Transition { name: step.name().into(), allowed: blocks.is_empty(), blocked_by }
        };
        Ok(Step::ALL.into_iter().map(transition).collect())
    }

    /// Its tags, by name.
    async fn tags(&self, ctx: &Context<'_>) -> Result<Many<Tag>> {
        tags(ctx, self.0.id).await
    }

    /// What happened with it, and with those that were merged into it, the newest first (what is still
    /// to come is on top): the activities about it; how it was made, changed, given to somebody else,
    /// deleted and brought back; the statuses it came to. What you may not see is not in it, and not
    /// counted.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(desc = "Of these kinds only; absent: of all.")] kinds: Option<Vec<TimelineKind>>,
    ) -> Result<Option<TimelineConnection>> {
        timeline(ctx, (self.0.id, column!(leads::id)), (first, after), kinds).await
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

impl Lead {
    async fn score_now(&self, ctx: &Context<'_>) -> Result<i32> {
        let score = ctx.load::<ScoreOfLead>(self.0.id).await?;
        Ok(score.map(|score| score.at(ctx.clock().now())).unwrap_or_default())
    }
}

/// Another record that may be the same.
pub struct DuplicateHit(pub(super) Found);

/// Another record that may be the same.
#[Object]
impl DuplicateHit {
    /// The lead, contact or company; null when you do not see it any more.
    async fn record(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        let node = match self.0.alike {
            Alike::Lead(id) => {
                ctx.load::<LeadById>(id).await?.map(|row| Node::Lead(Box::new(Lead(row))))
            }
            Alike::Contact(id) => {
                ctx.load::<ContactById>(id).await?.map(|row| Node::Contact(Box::new(Contact(row))))
            }
            Alike::Company(id) => {
                ctx.load::<CompanyById>(id).await?.map(|row| Node::Company(Box::new(Company(row))))
            }
        };
        Ok(node)
    }

    /// Why.
    async fn reason(&self) -> DuplicateReason {
        self.0.reason
    }

    /// How much they are alike, out of 100; from 60 on they count as the same.
    async fn similarity(&self) -> i32 {
        self.0.similarity
    }
}

/// What a step depends on.
fn standing(
    viewer: &Viewer,
    now: Timestamp,
    lead: &model::Lead,
    score: Option<&Score>,
) -> Standing {
    let (owner, territory) = (lead.owner_id.map(Into::into), lead.territory_id.map(Into::into));
    let reaches = |permission| {
        viewer.check(permission, now).is_ok() && viewer.reach(permission).covers(owner, territory)
    };
    let minimum = score.and_then(|score| score.minimum);
    Standing {
        status: lead.status,
        updates: reaches(LeadUpdate),
        owns: lead.owner_id.is_some() && viewer.person().ok() == lead.owner_id,
        manages: reaches(LeadManage),
        has_owner: lead.owner_id.is_some(),
        can_be_reached: lead.email.is_some() || lead.phone.is_some(),
        scores: minimum.is_none_or(|least| score.is_some_and(|score| score.at(now) >= least)),
    }
}

/// May whoever asks take the step with a lead that is locked? If not, what keeps them from it.
pub async fn allow(
    ctx: &Context<'_>,
    tx: &TenantConn,
    lead: &model::Lead,
    step: Step,
) -> Result<()> {
    let score = Score::of(tx, &[lead.id]).await?.remove(&lead.id).flatten();
    let standing = standing(ctx.viewer()?, ctx.clock().now(), lead, score.as_ref());
    let mut problems = Vec::new();
    for block in blocks(step, standing) {
        let (code, told) = match block {
            Block::Status => return Err(no_way(lead.status, step.to())),
            Block::Update => return Err(Error::Forbidden(LeadUpdate)),
            Block::Manage => return Err(Error::Forbidden(LeadManage)),
            Block::Owner => (ErrorCode::Required, "Somebody has to look after it first."),
            Block::Contact => {
                (ErrorCode::Required, "It needs an e-mail address or a telephone number.")
            }
            Block::Score => (ErrorCode::Invalid, "Its score is lower than you want of these."),
        };
        let field = block.name().split(':').next_back().unwrap_or_default();
        problems.push(Problem::new(code, [field], told));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::Refused(problems)),
    }
}

/// There is no way from one status to another; to itself: it is at its end.
pub fn no_way(from: LeadStatus, to: LeadStatus) -> Error {
    let told = match from == to {
        true => format!("What is {} is not changed.", from.word()),
        false => format!("From {} there is no way to {}.", from.word(), to.word()),
    };
    let allowed: Vec<&str> = onward(from).into_iter().map(LeadStatus::word).collect();
    let details = json!({ "from": from.word(), "to": to.word(), "allowed": allowed });
    let problem = Problem::new(ErrorCode::InvalidTransition, ["id"], told);
    Error::Refused(vec![problem.with_details(details)])
}
