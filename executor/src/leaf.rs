//! Plain leaves written as JSON without a future. The `Object` attribute implements [`Leaves`];
//! what the type of a leaf can do is chosen where that type is known, see [`levels`].

use std::marker::PhantomData;

use crate::json::write_string;

/// The plain leaves of an object.
pub trait Leaves {
    /// Writes the field `name` and is true, or writes nothing and is false.
    fn leaf(&self, name: &str, out: &mut Vec<u8>) -> bool;
}

/// Scalars with a JSON form of their own. Every other scalar goes through its `to_value`.
pub trait Json {
    /// Writes the value as JSON.
    fn json(&self, out: &mut Vec<u8>);
}

impl Json for str {
    fn json(&self, out: &mut Vec<u8>) {
        write_string(out, self);
    }
}

impl Json for String {
    fn json(&self, out: &mut Vec<u8>) {
        write_string(out, self);
    }
}

impl Json for real::ID {
    fn json(&self, out: &mut Vec<u8>) {
        write_string(out, self);
    }
}

impl Json for bool {
    fn json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Json for i32 {
    fn json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.to_string().as_bytes());
    }
}

impl<T: Json + ?Sized> Json for &T {
    fn json(&self, out: &mut Vec<u8>) {
        (**self).json(out);
    }
}

impl<T: Json> Json for Option<T> {
    fn json(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.json(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

/// Names a type to [`levels`].
#[doc(hidden)]
pub struct Of<T>(PhantomData<fn() -> T>);

impl<T> Of<T> {
    pub const NEW: Self = Self(PhantomData);
}

/// `(&&&&&&Of::<T>::NEW).write(..)` finds the first of these traits that fits `T`: the fewer
/// references a trait is implemented behind, the later it is tried.
#[doc(hidden)]
pub mod levels {
    use real::{
        ScalarType, Value,
        resolver_utils::{EnumType, enum_value},
    };

    use super::{Json, Of};
    use crate::json::write_value;

    macro_rules! level {
        ($name:ident, $of:ty, $ty:ty, [$($bound:tt)*], |$value:ident, $out:ident| $write:expr) => {
            pub trait $name<T> {
                fn write(&self, value: impl FnOnce() -> T, out: &mut Vec<u8>) -> bool;
            }
            impl<T: $($bound)*> $name<$ty> for $of {
                fn write(&self, value: impl FnOnce() -> $ty, $out: &mut Vec<u8>) -> bool {
                    let $value = value();
                    $write;
                    true
                }
            }
        };
    }
    fn or_null(value: Option<Value>) -> Value {
        value.unwrap_or_default()
    }
    level!(ByJson, &&&&&Of<T>, T, [Json], |v, out| v.json(out));
    level!(ByScalar, &&&&Of<T>, T, [ScalarType], |v, out| write_value(out, &v.to_value()));
    level!(ByScalars, &&&Of<Option<T>>, Option<T>, [ScalarType], |v, out| {
        write_value(out, &or_null(v.map(|v| v.to_value())));
    });
    level!(ByEnum, &&Of<T>, T, [EnumType], |v, out| write_value(out, &enum_value(v)));
    level!(ByEnums, &Of<Option<T>>, Option<T>, [EnumType], |v, out| {
        write_value(out, &or_null(v.map(enum_value)));
    });

    /// Everything else: an object, a list, a result.
    pub trait ByFuture<T> {
        fn write(&self, _: impl FnOnce() -> T, _: &mut Vec<u8>) -> bool {
            false
        }
    }
    impl<T> ByFuture<T> for Of<T> {}
}
