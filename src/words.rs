//! Words: closed lists, the same in the schema and in the database.

/// A closed list of words, the same in the schema and in the database.
///
/// ```ignore
/// words! {
///     /// What came of it.
///     Outcome { /** It was won. */ Won = "WON", /** It was lost. */ Lost = "LOST" }
/// }
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, ::async_graphql::Enum,
            ::diesel::expression::AsExpression, ::diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = ::diesel::sql_types::Text)]
        pub enum $name { $($(#[$word_doc])* #[graphql(name = $text)] $word,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$word,)*];

            /// As the database keeps it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }

        impl ::diesel::deserialize::FromSql<::diesel::sql_types::Text, ::diesel::pg::Pg> for $name {
            fn from_sql(value: ::diesel::pg::PgValue<'_>) -> ::diesel::deserialize::Result<Self> {
                match ::std::str::from_utf8(value.as_bytes())? {
                    $($text => Ok(Self::$word),)*
                    other => Err(format!("{other} is no {}", stringify!($name)).into()),
                }
            }
        }

        impl ::diesel::serialize::ToSql<::diesel::sql_types::Text, ::diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut ::diesel::serialize::Output<'b, '_, ::diesel::pg::Pg>,
            ) -> ::diesel::serialize::Result {
                <str as ::diesel::serialize::ToSql<
                    ::diesel::sql_types::Text,
                    ::diesel::pg::Pg,
                >>::to_sql(self.word(), out)
            }
        }
    };
}
