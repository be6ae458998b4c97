use diesel::prelude::*;
use uuid::Uuid;

use super::TerritoryId;
use crate::{column, db::Link, schema::territories};

/// How a company reaches its territory, for filters.
pub const TERRITORY_OF_COMPANIES: Link =
    Link::one(column!(companies::territory_id), column!(territories::id));

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = territories)]
pub struct Territory {
    pub id: TerritoryId,
    pub name: String,
    pub name_key: String,
    pub parent_id: Option<TerritoryId>,
    pub lineage: Vec<Uuid>,
    pub version: i32,
}
