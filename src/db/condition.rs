//! What our own fragments of SQL have in common.

/// These fragments name their tables themselves and fit any statement that has them.
macro_rules! condition {
    ($name:ident) => {
        impl ::diesel::Expression for $name<'_> {
            type SqlType = ::diesel::sql_types::Bool;
        }
        impl<QS: ?Sized> ::diesel::AppearsOnTable<QS> for $name<'_> {}
        impl<QS: ?Sized> ::diesel::SelectableExpression<QS> for $name<'_> {}
        impl<GroupBy> ::diesel::expression::ValidGrouping<GroupBy> for $name<'_> {
            type IsAggregate = ::diesel::expression::is_aggregate::No;
        }
        impl ::diesel::query_builder::QueryId for $name<'_> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    };
}
