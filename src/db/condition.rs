//! What our own fragments of SQL have in common.

/// These fragments name their tables themselves and fit any statement that has them.
macro_rules! condition {
    ($name:ident $(<$life:lifetime>)?) => {
        impl $(<$life>)? ::diesel::Expression for $name$(<$life>)? {
            type SqlType = ::diesel::sql_types::Bool;
        }
        impl<$($life,)? QS: ?Sized> ::diesel::AppearsOnTable<QS> for $name$(<$life>)? {}
        impl<$($life,)? QS: ?Sized> ::diesel::SelectableExpression<QS> for $name$(<$life>)? {}
        impl<$($life,)? GroupBy> ::diesel::expression::ValidGrouping<GroupBy> for $name$(<$life>)? {
            type IsAggregate = ::diesel::expression::is_aggregate::No;
        }
        impl $(<$life>)? ::diesel::query_builder::QueryId for $name$(<$life>)? {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    };
}
