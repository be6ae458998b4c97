//! Any record by its id. One of the two files that know the areas: a new kind of record gets a
//! line in the interface and one in [`find`].

use async_graphql::{Context, ID, Interface, Many, Object, PathSegment, ServerError};

use super::{Doors, requires};
use crate::{
    access::Permission::{ApiUse, AuditRead, RoleRead},
    accounts::{
        ApiClient, ApiClientById, ApiClientId, Role, RoleId, User, UserById, UserId, role_of,
    },
    activities::{Activity, ActivityById, ActivityId},
    audit::{AuditEntry, AuditEntryId, entry_of},
    companies::{Company, CompanyById, CompanyId},
    contacts::{Contact, ContactById, ContactId},
    deals::{
        CurrencyRate, CurrencyRateById, CurrencyRateId, Deal, DealById, DealId, Pipeline,
        PipelineById, PipelineId, Stage, StageById, StageId,
    },
    documents::{DocumentById, DocumentId, PersistedDocument},
    error::{Error, Result},
    ids::RawId,
    leads::{Lead, LeadById, LeadId},
    sso::{SsoProvider, SsoProviderById, SsoProviderId},
    tags::{Tag, TagById, TagId},
    tenants::{Tenant, TenantId, TenantRow},
    territories::{Territory, TerritoryById, TerritoryId},
    views::{SavedView, SavedViewById, SavedViewId},
};

const MAX_NODES: usize = 100;

/// Anything that has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id, such as \"company_01k9…\"."))]
pub enum Node {
    Activity(Box<Activity>),
    ApiClient(Box<ApiClient>),
    AuditEntry(Box<AuditEntry>),
    Company(Box<Company>),
    Contact(Box<Contact>),
    CurrencyRate(Box<CurrencyRate>),
    Deal(Box<Deal>),
    Lead(Box<Lead>),
    PersistedDocument(Box<PersistedDocument>),
    Pipeline(Box<Pipeline>),
    Role(Box<Role>),
    SavedView(Box<SavedView>),
    SsoProvider(Box<SsoProvider>),
    Stage(Box<Stage>),
    Tag(Box<Tag>),
    Tenant(Box<Tenant>),
    Territory(Box<Territory>),
    User(Box<User>),
}

impl Node {
    /// Whose it is, where that matters.
    pub fn owner(&self) -> Option<UserId> {
        match self {
            Self::Company(company) => company.0.owner_id,
            Self::Activity(activity) => activity.0.owner_id,
            Self::Contact(contact) => contact.0.owner_id,
            Self::Deal(deal) => deal.0.owner_id,
            Self::Lead(lead) => lead.0.owner_id,
            Self::SavedView(view) => Some(view.0.owner_id),
            _ => None,
        }
    }
}

/// By the prefix of the id. Each kind asks for its own permission.
pub async fn find(ctx: &Context<'_>, id: &ID) -> Result<Node> {
    let raw = RawId::parse(id).ok_or_else(|| malformed(id))?;
    let found = match raw.prefix {
        CompanyId::PREFIX => ctx
            .load::<CompanyById>(raw.uuid.into())
            .await?
            .map(|row| Node::Company(Box::new(Company(row)))),
        ActivityId::PREFIX => ctx
            .load::<ActivityById>(raw.uuid.into())
            .await?
            .map(|row| Node::Activity(Box::new(Activity(row)))),
        ContactId::PREFIX => ctx
            .load::<ContactById>(raw.uuid.into())
            .await?
            .map(|row| Node::Contact(Box::new(Contact(row)))),
        DealId::PREFIX => {
            ctx.load::<DealById>(raw.uuid.into()).await?.map(|row| Node::Deal(Box::new(Deal(row))))
        }
        PipelineId::PREFIX => ctx
            .load::<PipelineById>(raw.uuid.into())
            .await?
            .map(|row| Node::Pipeline(Box::new(Pipeline(row)))),
        StageId::PREFIX => ctx
            .load::<StageById>(raw.uuid.into())
            .await?
            .map(|row| Node::Stage(Box::new(Stage(row)))),
        CurrencyRateId::PREFIX => ctx
            .load::<CurrencyRateById>(raw.uuid.into())
            .await?
            .map(|row| Node::CurrencyRate(Box::new(CurrencyRate(row)))),
        LeadId::PREFIX => {
            ctx.load::<LeadById>(raw.uuid.into()).await?.map(|row| Node::Lead(Box::new(Lead(row))))
        }
        TerritoryId::PREFIX => ctx
            .load::<TerritoryById>(raw.uuid.into())
            .await?
            .map(|row| Node::Territory(Box::new(Territory(row)))),
        DocumentId::PREFIX => ctx
            .load::<DocumentById>(raw.uuid.into())
            .await?
            .map(|row| Node::PersistedDocument(Box::new(PersistedDocument(row)))),
        ApiClientId::PREFIX => ctx
            .load::<ApiClientById>(raw.uuid.into())
            .await?
            .map(|row| Node::ApiClient(Box::new(ApiClient(row)))),
        TagId::PREFIX => {
            ctx.load::<TagById>(raw.uuid.into()).await?.map(|row| Node::Tag(Box::new(Tag(row))))
        }
        AuditEntryId::PREFIX => {
            let conn = ctx.read(AuditRead).await?;
            let entry = entry_of(&conn, AuditEntryId(raw.uuid)).await?;
            entry.map(|entry| Node::AuditEntry(Box::new(entry)))
        }
        RoleId::PREFIX => {
            let conn = ctx.read(RoleRead).await?;
            role_of(&conn, RoleId(raw.uuid)).await?.map(|role| Node::Role(Box::new(role)))
        }
        SsoProviderId::PREFIX => ctx
            .load::<SsoProviderById>(raw.uuid.into())
            .await?
            .map(|row| Node::SsoProvider(Box::new(SsoProvider(row)))),
        UserId::PREFIX => {
            ctx.load::<UserById>(raw.uuid.into()).await?.map(|row| Node::User(Box::new(User(row))))
        }
        SavedViewId::PREFIX => ctx
            .load::<SavedViewById>(raw.uuid.into())
            .await?
            .map(|row| Node::SavedView(Box::new(SavedView(row)))),
        TenantId::PREFIX => {
            let conn = ctx.read(ApiUse).await?;
            let own = conn.tenant() == TenantId(raw.uuid);
            if own {
                Some(Node::Tenant(Box::new(Tenant(TenantRow::own(&conn).await?))))
            } else {
                None
            }
        }
        _ => return Err(malformed(id)),
    };
    found.ok_or(Error::NotFound)
}

fn malformed(id: &ID) -> Error {
    let shown: String = id.chars().take(64).collect();
    Error::BadInput(format!("\"{shown}\" is not an id; ids look like company_01k9…"))
}

#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Any record by its id. The kind of record has a permission of its own.
    #[graphql(directive = requires::apply(ApiUse))]
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        ctx.session().check(ApiUse)?;
        find(ctx, &id).await.map(Some)
    }

    /// Several records by their ids, in the order of the ids; null where there is none.
    #[graphql(directive = requires::apply(ApiUse))]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, at most 100.")] ids: Vec<ID>,
    ) -> Result<Option<Many<Option<Node>>>> {
        ctx.session().check(ApiUse)?;
        if ids.len() > MAX_NODES {
            return Err(Error::BadInput(format!("At most {MAX_NODES} ids at once.")));
        }
        let found = futures_util::future::join_all(ids.iter().map(|id| find(ctx, id))).await;
        // One id that cannot be answered does not take the others with it.
        let or_null = |(at, node): (usize, Result<Node>)| match node {
            Ok(node) => Some(node),
            Err(Error::NotFound) => None,
            Err(error) => {
                let error = async_graphql::Error::from(error).into_server_error(ctx.item.pos);
                let path = vec![segment(ctx), PathSegment::Index(at)];
                ctx.add_error(ServerError { path, ..error });
                None
            }
        };
        Ok(Some(found.into_iter().enumerate().map(or_null).collect()))
    }
}

fn segment(ctx: &Context<'_>) -> PathSegment {
    PathSegment::Field(ctx.item.node.response_key().node.to_string())
}
