//! Filters as clients write them: a `where` with and, or, not, typed comparisons, and questions
//! about the many of a record. Each becomes one tree ([`Filter`]) with a bounded size.

use async_graphql::{ID, InputObject};

use crate::{
    clock::Timestamp,
    db::{Column, Filter, Link, Test, Value},
    error::{Error, Result},
};

const MAX_NODES: usize = 50;
const MAX_RELATIONS: usize = 3;
const MAX_LIST: usize = 100;

/// What is left of the size that a filter may have.
pub struct Limits {
    nodes: usize,
    relations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: MAX_NODES, relations: MAX_RELATIONS }
    }
}

impl Limits {
    /// One more part of the filter.
    pub fn node(&mut self) -> Result<()> {
        let left = self.nodes.checked_sub(1);
        self.nodes = left
            .ok_or_else(|| Error::BadInput(format!("A filter has at most {MAX_NODES} parts.")))?;
        Ok(())
    }
}

/// A `where` input: what the macro [`crate::filter!`] makes.
pub trait Where: Sized {
    fn filter(self, limits: &mut Limits) -> Result<Filter>;
}

/// Compares text.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StringFilter {
    /// Equal to this.
    eq: Option<String>,
    /// Other than this, or absent.
    ne: Option<String>,
    /// One of these, at most 100.
    r#in: Option<Vec<String>>,
    /// Begins with this.
    starts_with: Option<String>,
    /// Has this in it.
    contains: Option<String>,
    /// True: absent. False: present.
    is_null: Option<bool>,
}

impl StringFilter {
    /// With this text in it.
    pub fn containing(text: String) -> Self {
        Self { contains: Some(text), ..Self::default() }
    }

    /// Upper and lower case differ.
    pub fn exact(self, column: Column) -> Result<Filter> {
        self.on(column, |text| text)
    }

    /// Upper and lower case are alike; the column holds lower case.
    pub fn folded(self, column: Column) -> Result<Filter> {
        self.on(column, |text| text.to_lowercase())
    }

    fn on(self, column: Column, fold: impl Fn(String) -> String) -> Result<Filter> {
        let text = |text| Value::Text(fold(text));
        let list = self.r#in.map(|list| bounded(list).map(|list| list.into_iter().map(&fold)));
        let tests = [
            self.eq.map(|value| Test::Eq(text(value))),
            self.ne.map(|value| Test::Ne(text(value))),
            list.transpose()?.map(|list| Test::In(Value::Texts(list.collect()))),
            self.starts_with.map(|value| Test::starts_with(&fold(value))),
            self.contains.map(|value| Test::contains(&fold(value))),
            self.is_null.map(Test::Null),
        ];
        Ok(all(column, tests))
    }
}

/// Compares ids.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "IDFilter")]
pub struct IDFilter {
    /// This one.
    eq: Option<ID>,
    /// Any other one, or none.
    ne: Option<ID>,
    /// One of these, at most 100.
    r#in: Option<Vec<ID>>,
    /// True: none. False: some.
    is_null: Option<bool>,
}

impl IDFilter {
    /// `parse` is the id type's own, such as `UserId::parse`.
    pub fn of<Id: Into<uuid::Uuid>>(
        self,
        parse: impl Fn(&str) -> Result<Id, String>,
        column: Column,
    ) -> Result<Filter> {
        let id = |id: ID| parse(&id).map(Into::into).map_err(Error::BadInput);
        let list = self.r#in.map(bounded).transpose()?;
        let list: Option<Vec<_>> =
            list.map(|list| list.into_iter().map(id).collect::<Result<_>>()).transpose()?;
        let tests = [
            self.eq.map(id).transpose()?.map(|id| Test::Eq(Value::Uuid(id))),
            self.ne.map(id).transpose()?.map(|id| Test::Ne(Value::Uuid(id))),
            list.map(|list| Test::In(Value::Uuids(list))),
            self.is_null.map(Test::Null),
        ];
        Ok(all(column, tests))
    }
}

/// Compares moments.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateTimeFilter {
    /// At this moment.
    eq: Option<Timestamp>,
    /// Before.
    lt: Option<Timestamp>,
    /// Before, or then.
    lte: Option<Timestamp>,
    /// After.
    gt: Option<Timestamp>,
    /// After, or then.
    gte: Option<Timestamp>,
    /// True: absent. False: present.
    is_null: Option<bool>,
}

impl DateTimeFilter {
    pub fn on(self, column: Column) -> Result<Filter> {
        let moment = |at: Timestamp| Value::Moment(at.0);
        let tests = [
            self.eq.map(|at| Test::Eq(moment(at))),
            self.lt.map(|at| Test::Less(moment(at))),
            self.lte.map(|at| Test::LessOrEq(moment(at))),
            self.gt.map(|at| Test::Greater(moment(at))),
            self.gte.map(|at| Test::GreaterOrEq(moment(at))),
            self.is_null.map(Test::Null),
        ];
        Ok(all(column, tests))
    }
}

fn all(column: Column, tests: impl IntoIterator<Item = Option<Test>>) -> Filter {
    Filter::All(tests.into_iter().flatten().map(|test| Filter::Is(column, test)).collect())
}

fn bounded<T>(list: Vec<T>) -> Result<Vec<T>> {
    match list.len() <= MAX_LIST {
        true => Ok(list),
        false => Err(Error::BadInput(format!("A list in a filter has at most {MAX_LIST} values."))),
    }
}

/// Some, none, every of the many that `link` leads to.
pub fn relation<W: Where>(
    [some, none, every]: [Option<W>; 3],
    link: Link,
    limits: &mut Limits,
) -> Result<Filter> {
    let deeper = limits.relations.checked_sub(1);
    limits.relations = deeper.ok_or_else(|| {
        Error::BadInput(format!("Relation filters nest at most {MAX_RELATIONS} deep."))
    })?;
    let mut parts = Vec::new();
    if let Some(some) = some {
        parts.push(Filter::Some(link, Box::new(some.filter(limits)?)));
    }
    if let Some(none) = none {
        parts.push(Filter::Some(link, Box::new(none.filter(limits)?)).negate());
    }
    if let Some(every) = every {
        let other = every.filter(limits)?.negate();
        parts.push(Filter::Some(link, Box::new(other)).negate());
    }
    limits.relations += 1;
    Ok(Filter::All(parts))
}

/// A `where` input. Each field says how its comparison becomes a [`Filter`]:
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
            $($(#[$field_doc])* $field: Option<$ty>,)*
        }

        impl $crate::graphql::Where for $name {
            fn filter(
                self,
                limits: &mut $crate::graphql::Limits,
            ) -> $crate::error::Result<$crate::db::Filter> {
                use $crate::{db::Filter, error::Result, graphql::Limits};
                limits.node()?;
                let mut parts = Vec::new();
                if let Some(all) = self.and {
                    let all: Result<_> = all.into_iter().map(|part| part.filter(limits)).collect();
                    parts.push(Filter::All(all?));
                }
                if let Some(any) = self.or {
                    let any: Result<_> = any.into_iter().map(|part| part.filter(limits)).collect();
                    parts.push(Filter::Any(any?));
                }
                if let Some(not) = self.not {
                    parts.push(not.filter(limits)?.negate());
                }
                $(if let Some(value) = self.$field {
                    limits.node()?;
                    let how: fn($ty, &mut Limits) -> Result<Filter> = $how;
                    parts.push(how(value, limits)?);
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
                limits: &mut $crate::graphql::Limits,
            ) -> $crate::error::Result<$crate::db::Filter> {
                let questions = [self.some, self.none, self.every].map(|part| part.map(|part| *part));
                $crate::graphql::relation(questions, link, limits)
            }
        }
    };
}
