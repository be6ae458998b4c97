use async_graphql::Object;

use super::{TerritoryId, model};
use crate::{
    by_id, column,
    db::{Test, Value},
    filter,
    graphql::{IDFilter, StringFilter},
};

by_id!(
    /// Territories by id.
    TerritoryById, territories, model::Territory, TerritoryId, TerritoryRead
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

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

filter! {
    /// Which territories.
    TerritoryWhere {
        /// By id.
        id: IDFilter => |id, _| id.of(TerritoryId::parse, column!(territories::id)),
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(territories::name_key)),
        /// This territory, and all below it.
        under: TerritoryId => |id, _| {
            let is_above = Test::Has(Value::Uuid(id.into()));
            Ok(Filter::Is(column!(territories::lineage), is_above))
        },
    }
}
