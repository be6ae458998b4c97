//! Typed ids in the schema: all of them are GraphQL's `ID`.

/// The GraphQL side of [`crate::id!`].
#[doc(hidden)]
#[macro_export]
macro_rules! graphql_id {
    ($name:ident) => {
        impl ::async_graphql::ScalarType for $name {
            fn parse(value: ::async_graphql::Value) -> ::async_graphql::InputValueResult<Self> {
                match &value {
                    ::async_graphql::Value::String(text) => {
                        Self::parse(text).map_err(::async_graphql::InputValueError::custom)
                    }
                    _ => Err(::async_graphql::InputValueError::expected_type(value)),
                }
            }

            fn to_value(&self) -> ::async_graphql::Value {
                ::async_graphql::Value::String(self.to_string())
            }
        }

        impl ::async_graphql::InputType for $name {
            type RawValueType = Self;

            fn type_name() -> ::std::borrow::Cow<'static, str> {
                <::async_graphql::ID as ::async_graphql::InputType>::type_name()
            }

            fn create_type_info(
                registry: &mut ::async_graphql::registry::Registry,
            ) -> ::std::string::String {
                <::async_graphql::ID as ::async_graphql::InputType>::create_type_info(registry)
            }

            fn parse(
                value: Option<::async_graphql::Value>,
            ) -> ::async_graphql::InputValueResult<Self> {
                <Self as ::async_graphql::ScalarType>::parse(value.unwrap_or_default())
                    .map_err(::async_graphql::InputValueError::propagate)
            }

            fn to_value(&self) -> ::async_graphql::Value {
                ::async_graphql::ScalarType::to_value(self)
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
        }

        impl ::async_graphql::OutputType for $name {
            fn type_name() -> ::std::borrow::Cow<'static, str> {
                <::async_graphql::ID as ::async_graphql::OutputType>::type_name()
            }

            fn create_type_info(
                registry: &mut ::async_graphql::registry::Registry,
            ) -> ::std::string::String {
                <::async_graphql::ID as ::async_graphql::OutputType>::create_type_info(registry)
            }

            async fn resolve(
                &self,
                _: &::async_graphql::ContextSelectionSet<'_>,
                _: &::async_graphql::Positioned<::async_graphql::parser::types::Field>,
            ) -> ::async_graphql::ServerResult<::async_graphql::Value> {
                Ok(::async_graphql::ScalarType::to_value(self))
            }
        }

        impl ::async_graphql::leaf::Json for $name {
            fn json(&self, out: &mut ::std::vec::Vec<u8>) {
                use ::std::io::Write;
                // Writing to a Vec does not fail.
                let _ = write!(out, "\"{self}\"");
            }
        }
    };
}
