//! The GraphQL floor that all areas stand on: the doors to the database, loaders, lists,
//! filters, payloads; and the one place where the areas' parts become a schema.
//!
//! Architecture Invariant: only `schema.rs` and `node.rs` know the areas; they close the schema.

mod bulk;
mod changed;
mod changes;
mod conflict;
mod connection;
mod directive;
mod execute;
mod explain;
mod fields;
mod filter;
mod guard;
mod id;
mod input;
mod loader;
mod node;
mod payload;
mod rulebook;
mod schema;
mod session;
mod transition;
mod writing;

pub use bulk::{Bulk, ErrorPolicy};
pub use changed::{FieldChange, shown};
pub use connection::{
    Facet, Faceted, Listed, Nesting, Ordered, Page, PageInfo, Paging, SortDirection, TotalCount,
    size_or,
};
pub use directive::{SIGN_INS, public, requires};
pub use execute::{
    Answer, Api, Bounds, ByName, Call, Examined, Examiner, Following, Next, Opened, Parts, SignedIn,
};
pub use fields::ReadField;
pub use filter::{
    Asker, DateFilter, DateTimeFilter, DecimalFilter, IDFilter, IntFilter, Joined, StringFilter,
    Where, WordTests, one, relation,
};
pub use input::{Check, count, keep, rival};
pub use loader::Relation;
pub use node::{Node, find};
pub use payload::{DeletePayload, DeletesPayload, UserError, refusals};
pub use rulebook::{Fault, Rulebook};
pub use schema::{AppSchema, sdl};
pub use session::{Caller, Doors, RequestInfo, Session};
pub use transition::Transition;
