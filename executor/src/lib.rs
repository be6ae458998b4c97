//! async-graphql with an executor of our own.
//!
//! Areas depend on this crate under the name `async-graphql`. Its macros look for a package of
//! that name, do not find it, and expand against `::async_graphql`, which is this face: all of
//! async-graphql, with one function replaced (`resolver_utils::resolve_container`) and one
//! attribute extended ([`Object`]). The source of an area does not show any of it.
//!
//! What it changes, and why:
//! * **Complete answers.** The library leaves a failed field out of its object, even a non-null
//!   one. Here a failed nullable field is null beside its error, a failed non-null one fails its
//!   parent, and keys come in the order of the query (GraphQL, section 6.4.4).
//! * **No future per leaf.** A field that needs no waiting is polled where it stands; what
//!   is plain, and objects and lists of it, are written as JSON without any future ([`leaf`]).
//!
//! A request opts in with [`Fast`] in its data. Without it (subscriptions, traced requests, the
//! comparison tests) every object runs on the library's own executor.
//!
//! Architecture Invariant: nothing here knows Kontor. The test `hooked` fails when an upgrade of
//! the library stops calling us.

mod answer;
mod json;
pub mod leaf;
mod list;
mod object;
mod plan;
mod root;
mod waiting;

pub use json::{response_json, write_string, write_value};
pub use kontor_executor_macros::Object;
pub use list::Many;
pub use plan::{Fast, Made};
pub use real::{Object as RealObject, *};
pub use root::complete_root;

/// async-graphql's helpers, with our way to resolve an object.
pub mod resolver_utils {
    pub use real::resolver_utils::*;

    pub use crate::object::resolve_container;
}

/// What the [`Object`] attribute expands against.
#[doc(hidden)]
pub mod with_leaves {
    pub use crate::*;

    pub use crate::object::{is_plain, write};

    pub mod resolver_utils {
        pub use crate::object::resolve_leaves as resolve_container;
        pub use crate::resolver_utils::*;
    }
}
