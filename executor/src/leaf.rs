//! What is plain: fields that await nothing, whose values can be written as JSON where they stand,
//! without a future. The `Object` attribute implements [`Leaves`] and [`Plain`]; what the type of a
//! field can do is chosen where that type is known, see [`levels`].

use std::marker::PhantomData;

use real::ContextSelectionSet;

pub use crate::plan::Asked;
use crate::{Many, json::write_string, plan::Fast};

/// The plain fields of an object.
pub trait Leaves {
    /// Is the field plain, with all that is asked of it?
    fn is_leaf(asked: &Asked<'_>) -> bool;

    /// Writes a field that is plain.
    fn leaf(&self, asked: &Asked<'_>, out: &mut Vec<u8>);
}

/// What has fields, and lists of it.
pub trait Plain {
    /// Are all fields plain that are asked of it?
    fn is_plain(ctx: &ContextSelectionSet<'_>, fast: &Fast) -> bool;

    /// Writes the value, where all that is asked of it is plain.
    fn write(&self, ctx: &ContextSelectionSet<'_>, fast: &Fast, out: &mut Vec<u8>);
}

impl<T: Plain + ?Sized> Plain for &T {
    fn is_plain(ctx: &ContextSelectionSet<'_>, fast: &Fast) -> bool {
        T::is_plain(ctx, fast)
    }

    fn write(&self, ctx: &ContextSelectionSet<'_>, fast: &Fast, out: &mut Vec<u8>) {
        (**self).write(ctx, fast, out);
    }
}

impl<T: Plain> Plain for Option<T> {
    fn is_plain(ctx: &ContextSelectionSet<'_>, fast: &Fast) -> bool {
        T::is_plain(ctx, fast)
    }

    fn write(&self, ctx: &ContextSelectionSet<'_>, fast: &Fast, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(ctx, fast, out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

impl<T: Plain> Plain for Many<T> {
    fn is_plain(ctx: &ContextSelectionSet<'_>, fast: &Fast) -> bool {
        T::is_plain(ctx, fast)
    }

    fn write(&self, ctx: &ContextSelectionSet<'_>, fast: &Fast, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, item) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            item.write(&ctx.with_index(at), fast, out);
        }
        out.push(b']');
    }
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

/// `(&&&&&&&Of::<T>::NEW).write(..)` finds the first of these traits that fits `T`: the fewer
/// references a trait is implemented behind, the later it is tried.
#[doc(hidden)]
pub mod levels {
    use real::{
        ScalarType, Value,
        resolver_utils::{EnumType, enum_value},
    };

    use super::{Asked, Json, Of, Plain};
    use crate::json::write_value;

    macro_rules! level {
        ($name:ident, $of:ty, $ty:ty, [$($bound:tt)*], |$value:ident, $out:ident| $write:expr) => {
            pub trait $name<T> {
                fn is_plain(&self, _: &Asked<'_>) -> bool {
                    true
                }
                fn write(&self, value: T, asked: &Asked<'_>, out: &mut Vec<u8>);
            }
            impl<T: $($bound)*> $name<$ty> for $of {
                fn write(&self, $value: $ty, _: &Asked<'_>, $out: &mut Vec<u8>) {
                    $write;
                }
            }
        };
    }
    fn or_null(value: Option<Value>) -> Value {
        value.unwrap_or_default()
    }
    level!(ByJson, &&&&&&Of<T>, T, [Json], |v, out| v.json(out));
    level!(ByScalar, &&&&&Of<T>, T, [ScalarType], |v, out| write_value(out, &v.to_value()));
    level!(ByScalars, &&&&Of<Option<T>>, Option<T>, [ScalarType], |v, out| {
        write_value(out, &or_null(v.map(|v| v.to_value())));
    });
    level!(ByEnum, &&&Of<T>, T, [EnumType], |v, out| write_value(out, &enum_value(v)));
    level!(ByEnums, &&Of<Option<T>>, Option<T>, [EnumType], |v, out| {
        write_value(out, &or_null(v.map(enum_value)));
    });

    /// An object of plain fields, or a list of those.
    pub trait ByFields<T> {
        fn is_plain(&self, asked: &Asked<'_>) -> bool;
        fn write(&self, value: T, asked: &Asked<'_>, out: &mut Vec<u8>);
    }
    impl<T: Plain> ByFields<T> for &Of<T> {
        fn is_plain(&self, asked: &Asked<'_>) -> bool {
            let ctx = asked.context();
            T::is_plain(&ctx.with_selection_set(&asked.field.node.selection_set), asked.fast)
        }

        fn write(&self, value: T, asked: &Asked<'_>, out: &mut Vec<u8>) {
            let ctx = asked.context();
            let set = &asked.field.node.selection_set;
            value.write(&ctx.with_selection_set(set), asked.fast, out);
        }
    }

    /// Everything else: a union, a result.
    pub trait ByFuture<T> {
        fn is_plain(&self, _: &Asked<'_>) -> bool {
            false
        }
        /// Nobody comes here with what is not plain.
        fn write(&self, _: T, _: &Asked<'_>, _: &mut Vec<u8>) {}
    }
    impl<T> ByFuture<T> for Of<T> {}
}
