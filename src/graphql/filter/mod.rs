//! Filters as clients write them: a `where` with and, or, not, typed comparisons, and questions
//! about the many of a record. Each becomes one tree ([`Filter`]) with a bounded size.

mod compare;

pub use compare::{
    DateFilter, DateTimeFilter, DecimalFilter, IDFilter, IntFilter, StringFilter, WordTests,
};

use crate::{
    access::{Guarded, Viewer},
    clock::Timestamp,
    db::{Column, Filter, Link},
    error::{Error, Result},
};

const MAX_NODES: usize = 50;
const MAX_RELATIONS: usize = 3;

/// Who asks with a filter, and what is left of the size that it may have.
pub struct Asker<'a> {
    viewer: &'a Viewer,
    now: Timestamp,
    nodes: usize,
    relations: usize,
}

impl<'a> Asker<'a> {
    pub fn new(viewer: &'a Viewer, now: Timestamp) -> Self {
        Self { viewer, now, nodes: MAX_NODES, relations: MAX_RELATIONS }
    }

    /// One more part of the filter.
    pub fn node(&mut self) -> Result<()> {
        let left = self.nodes.checked_sub(1);
        self.nodes = left
            .ok_or_else(|| Error::BadInput(format!("A filter has at most {MAX_NODES} parts.")))?;
        Ok(())
    }

    /// What one may not see one cannot ask about either: a count would tell it.
    pub fn may_ask(&self, column: Column) -> Result<()> {
        let guarded = Guarded::of(column.table).and_then(|table| table.field(column.name));
        guarded.map_or(Ok(()), |permission| self.viewer.check(permission, self.now))
    }

    /// The same of all that a filter asks about.
    fn may_ask_all(&self, filter: &Filter) -> Result<()> {
        let mut all = Ok(());
        filter.columns(&mut |column| {
            if all.is_ok() {
                all = self.may_ask(column);
            }
        });
        all
    }

    /// A whole filter.
    pub fn filter(&mut self, which: Option<impl Where>) -> Result<Filter> {
        let Some(which) = which else { return Ok(Filter::everything()) };
        let filter = which.filter(self)?;
        self.may_ask_all(&filter)?;
        Ok(filter)
    }

    /// Those of another table, as far as one sees them.
    fn related<W: Where>(&mut self, link: Link, which: W, not: bool) -> Result<Filter> {
        let left = self.relations.checked_sub(1);
        self.relations = left.ok_or_else(|| {
            Error::BadInput(format!("Relation filters nest at most {MAX_RELATIONS} deep."))
        })?;
        let mut filter = which.filter(self)?;
        self.relations += 1;
        if not {
            filter = filter.negate();
        }
        if let Some(table) = Guarded::of(link.to.table) {
            self.viewer.check(table.read, self.now)?;
            if let Some(whose) = table.whose {
                let within = Filter::Within(self.viewer.reach(table.read), whose);
                filter = Filter::All(vec![filter, within]);
            }
        }
        Ok(Filter::Some(link, Box::new(filter)))
    }
}

/// A `where` input: what the macro [`crate::filter!`] makes.
pub trait Where: Sized {
    fn filter(self, by: &mut Asker<'_>) -> Result<Filter>;
}

impl<W: Where> Where for Box<W> {
    fn filter(self, by: &mut Asker<'_>) -> Result<Filter> {
        (*self).filter(by)
    }
}

/// Two of them as one: what passes both.
pub trait Joined: Sized {
    #[must_use]
    fn joined(self, other: Self) -> Self;
}

/// Some, none, every of the many that `link` leads to.
pub fn relation<W: Where>(
    [some, none, every]: [Option<W>; 3],
    link: Link,
    by: &mut Asker<'_>,
) -> Result<Filter> {
    let mut parts = Vec::new();
    if let Some(some) = some {
        parts.push(by.related(link, some, false)?);
    }
    if let Some(none) = none {
        parts.push(by.related(link, none, false)?.negate());
    }
    if let Some(every) = every {
        parts.push(by.related(link, every, true)?.negate());
    }
    Ok(Filter::All(parts))
}

/// The one that `link` leads to is there, is seen, and passes.
pub fn one<W: Where>(which: W, link: Link, by: &mut Asker<'_>) -> Result<Filter> {
    by.related(link, which, false)
}

/// A `where` input. Each field says how its comparison becomes a [`Filter`]. What is not asked takes
/// no room: most are not, and each list of each record carries one.
///
/// ```ignore
/// filter! {
///     /// Which tags.
///     TagWhere {
///         /// By name.
///         name: StringFilter => |name, _| name.folded(column!(tags::name_key)),
///     }
/// }
/// ```
#[macro_export]
macro_rules! filter {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty => $how:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, ::async_graphql::InputObject)]
        pub struct $name {
            /// All of these.
            and: Option<Vec<$name>>,
            /// At least one of these.
            or: Option<Vec<$name>>,
            /// Not this; what is unknown counts as not.
            not: Option<Box<$name>>,
            $($(#[$field_doc])* $field: Option<Box<$ty>>,)*
        }

        impl $crate::graphql::Joined for $name {
            fn joined(self, other: Self) -> Self {
                Self { and: Some(vec![self, other]), ..Self::default() }
            }
        }

        impl $crate::graphql::Where for $name {
            fn filter(
                self,
                by: &mut $crate::graphql::Asker<'_>,
            ) -> $crate::error::Result<$crate::db::Filter> {
                use $crate::{db::Filter, error::Result, graphql::Asker};
                by.node()?;
                let mut parts = Vec::new();
                if let Some(all) = self.and {
                    let all: Result<_> = all.into_iter().map(|part| part.filter(by)).collect();
                    parts.push(Filter::All(all?));
                }
                if let Some(any) = self.or {
                    let any: Result<_> = any.into_iter().map(|part| part.filter(by)).collect();
                    parts.push(Filter::Any(any?));
                }
                if let Some(not) = self.not {
                    parts.push(not.filter(by)?.negate());
                }
                $(if let Some(value) = self.$field {
                    by.node()?;
                    let how: fn($ty, &mut Asker<'_>) -> Result<Filter> = $how;
                    parts.push(how(*value, by)?);
                })*
                Ok(Filter::All(parts))
            }
        }
    };
}

/// `relation_filter!(TagRelationFilter, TagWhere)`: some, none, every.
#[macro_export]
macro_rules! relation_filter {
    ($(#[$doc:meta])* $name:ident, $where:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, ::async_graphql::InputObject)]
        pub struct $name {
            /// At least one passes.
            some: Option<Box<$where>>,
            /// None passes.
            none: Option<Box<$where>>,
            /// Each one passes, or there is none.
            every: Option<Box<$where>>,
        }

        impl $name {
            pub fn through(
                self,
                link: $crate::db::Link,
                by: &mut $crate::graphql::Asker<'_>,
            ) -> $crate::error::Result<$crate::db::Filter> {
                let questions = [self.some, self.none, self.every].map(|part| part.map(|part| *part));
                $crate::graphql::relation(questions, link, by)
            }
        }
    };
}
