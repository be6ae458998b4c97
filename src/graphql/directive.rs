//! What a client can read in the schema about who may use a field.

use async_graphql::{
    InputType, InputValueError, InputValueResult, TypeDirective, Value, registry::Registry,
};
use std::borrow::Cow;

use crate::access::Permission;

/// Whoever uses this field needs this permission; `viewer { permissions }` lists one's own.
#[TypeDirective(location = "FieldDefinition")]
pub fn requires(permission: Permission) {}

/// This field answers without sign-in.
#[TypeDirective(location = "FieldDefinition")]
pub fn public() {}

/// The public changes by which one comes in, or might guess one's way in: they are counted for each
/// address, as often as an operation holds them. The others give nothing to whoever has no token.
pub const SIGN_INS: [&str; 7] = [
    "signIn",
    "ssoStart",
    "ssoFinish",
    "invitationAccept",
    "accessRequestCreate",
    "passwordResetRequest",
    "passwordReset",
];

/// In the schema a permission is its name.
impl InputType for Permission {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <String as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let name = String::parse(value).map_err(InputValueError::propagate)?;
        let known = Self::ALL.iter().copied().find(|permission| permission.name() == name);
        known.ok_or_else(|| InputValueError::custom("unknown permission"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.name().into())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
