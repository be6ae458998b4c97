//! What a list has of its own, written down once: [`crate::connection!`].

/// A list's types: how it is sorted, its connection and its edge.
///
/// ```ignore
/// connection! {
///     /// A page of tags.
///     Tag as TagConnection, TagEdge, of model::Tag, which TagWhere, permission TagRead;
///     id tags::id;
///     /// How to sort tags.
///     order TagOrder by TagOrderField {
///         /// By name, upper and lower case alike.
///         Name => tags::name_key, |tag| Value::Text(tag.0.name_key.clone());
///     }
///     /// What of tags can be counted.
///     facets TagFacet {
///         /// Their colours.
///         Colour => tags::colour;
///     }
/// }
/// ```
#[macro_export]
macro_rules! connection {
    (
        $(#[$doc:meta])*
        $item:ident as $connection:ident, $edge:ident, of $model:ty, which $where:ty, permission $permission:ident $(, $nested:ident)?;
        id $table:ident :: $id:ident;
        $(#[$order_doc:meta])*
        order $order:ident by $field:ident {
            $(#[$first_doc:meta])* $first:ident => $first_table:ident :: $first_column:ident, $first_value:expr;
            $($(#[$key_doc:meta])* $key:ident => $key_table:ident :: $key_column:ident, $key_value:expr;)*
        }
        $(
            $(#[$facet_doc:meta])*
            facets $facet:ident {
                $($(#[$value_doc:meta])* $value:ident => $value_table:ident :: $value_column:ident $(, ids $value_id:ty)? $(, read by $function:literal)?;)*
            }
        )?
    ) => {
        /// What the list can be sorted by.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ::async_graphql::Enum)]
        pub enum $field {
            $(#[$first_doc])* #[default] $first,
            $($(#[$key_doc])* $key,)*
        }

        $(#[$order_doc])*
        #[derive(Clone, Copy, Debug, ::async_graphql::InputObject)]
        pub struct $order {
            /// By what.
            field: $field,
            /// Which way; ASC when absent.
            direction: Option<$crate::graphql::SortDirection>,
        }

        impl $crate::graphql::Listed for $item {
            type Row = $model;
            type Field = $field;
            const PERMISSION: $crate::access::Permission = $crate::access::Permission::$permission;
            const NAME: &'static str = stringify!($item);
            const ID: $crate::db::Column = $crate::column!($table::$id);

            fn of(row: $model) -> Self {
                $item(row)
            }

            fn column(field: $field) -> $crate::db::Column {
                match field {
                    $field::$first => $crate::column!($first_table::$first_column),
                    $($field::$key => $crate::column!($key_table::$key_column),)*
                }
            }

            fn sort_value(&self, field: $field) -> $crate::db::Value {
                let value: fn(&Self) -> $crate::db::Value = match field {
                    $field::$first => $first_value,
                    $($field::$key => $key_value,)*
                };
                value(self)
            }

            fn uuid(&self) -> ::uuid::Uuid {
                self.0.id.into()
            }
        }

        $(
            $(#[$facet_doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, ::async_graphql::Enum)]
            pub enum $facet { $($(#[$value_doc])* $value,)* }

            impl $facet {
                fn faceted(self) -> $crate::graphql::Faceted {
                    let name = <Self as ::async_graphql::resolver_utils::EnumType>::items()
                        .iter()
                        .find(|item| item.value == self)
                        .map_or("", |item| item.name);
                    match self {
                        $(Self::$value => $crate::graphql::Faceted {
                            name,
                            column: $crate::column!($value_table::$value_column)$(.read_by($function))?,
                            prefix: None $(.or(Some(<$value_id>::PREFIX)))?,
                        },)*
                    }
                }
            }
        )?

        $(#[$doc])*
        pub struct $connection(::std::sync::Arc<$crate::graphql::Page<$item>>);

        impl $connection {
            /// The page that the arguments of a list ask for.
            pub async fn load(
                ctx: &::async_graphql::Context<'_>,
                paging: $crate::graphql::Paging,
                which: Option<$where>,
                order: Option<Vec<$order>>,
            ) -> $crate::error::Result<Option<Self>> {
                let choice = (which, <$order as $crate::graphql::Ordered>::keys(order));
                let page = $crate::graphql::Page::load(ctx, paging, choice).await?;
                Ok(Some(Self(::std::sync::Arc::new(page))))
            }
        }

        $(
            #[doc = concat!("In the lists of other records (", stringify!($nested), ").")]
            impl $connection {
                /// The page of the records that one record has.
                pub async fn of(
                    ctx: &::async_graphql::Context<'_>,
                    nesting: $crate::graphql::Nesting,
                    paging: $crate::graphql::Paging,
                    which: Option<$where>,
                    order: Option<Vec<$order>>,
                ) -> $crate::error::Result<Option<Self>> {
                    let choice = (which, <$order as $crate::graphql::Ordered>::keys(order));
                    let page = $crate::graphql::Page::within(ctx, nesting, paging, choice).await?;
                    Ok(Some(Self(::std::sync::Arc::new(page))))
                }
            }
        )?

        impl $crate::graphql::Ordered for $order {
            type Item = $item;

            fn keys(order: Option<Vec<Self>>) -> Vec<($field, $crate::graphql::SortDirection)> {
                let keys = order.unwrap_or_default().into_iter();
                keys.map(|key| (key.field, key.direction.unwrap_or_default())).collect()
            }
        }

        $(#[$doc])*
        #[::async_graphql::Object]
        impl $connection {
            /// The records of this page.
            async fn nodes(&self) -> &::async_graphql::Many<$item> {
                self.0.items()
            }

            /// The records of this page, each with its cursor.
            async fn edges(&self) -> ::async_graphql::Many<$edge> {
                (0..self.0.items().0.len()).map(|at| $edge(self.0.clone(), at)).collect()
            }

            /// Where this page stands in the list.
            async fn page_info(&self) -> $crate::graphql::PageInfo {
                self.0.info()
            }

            /// How many records the whole list has; counted only when asked for.
            async fn total_count(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> $crate::error::Result<Option<$crate::graphql::TotalCount>> {
                self.0.total_count(ctx).await.map(Some)
            }
            $(
                /// What values some fields of the whole list have, and how often; each field costs as
                /// much as a count.
                async fn facets(
                    &self,
                    ctx: &::async_graphql::Context<'_>,
                    #[graphql(desc = "Which fields, each once.")] by: Vec<$facet>,
                ) -> $crate::error::Result<Option<::async_graphql::Many<$crate::graphql::Facet>>> {
                    let by = by.into_iter().map($facet::faceted).collect();
                    self.0.facets(ctx, by).await.map(Some)
                }
            )?
        }

        /// A record of the page with its place in the list.
        pub struct $edge(
            ::std::sync::Arc<$crate::graphql::Page<$item>>,
            /// Which of its records.
            usize,
        );

        /// A record of the page with its place in the list.
        #[::async_graphql::Object]
        impl $edge {
            /// Give it as `after` to go on behind this record.
            async fn cursor(&self, ctx: &::async_graphql::Context<'_>) -> String {
                let item = &self.0.items().0[self.1];
                self.0.cursor($crate::graphql::Doors::session(ctx), item)
            }

            /// The record.
            async fn node(&self) -> &$item {
                &self.0.items().0[self.1]
            }
        }
    };
}
