//! Lists answered in one future.

use std::{borrow::Cow, future::poll_fn, task::Poll};

use real::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry,
};

use crate::{
    json::{expected_len, write_value},
    plan::Fast,
    waiting::Waiting,
};

/// `Many<Contact>` in place of `Vec<Contact>`: the same list, without a future per item.
pub struct Many<T>(pub Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<T> for Many<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: OutputType> OutputType for Many<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        match ctx.data_opt::<Fast>() {
            Some(fast) => resolve_items(ctx, field, &self.0, fast.json).await,
            None => self.0.resolve(ctx, field).await,
        }
    }
}

async fn resolve_items<T: OutputType>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    items: &[T],
    json: bool,
) -> ServerResult<Value> {
    let mut values = Vec::with_capacity(items.len());
    let mut waiting = Waiting::new();
    poll_fn(|cx| {
        for (at, item) in items.iter().enumerate() {
            match waiting.start(cx, one(ctx, field, item, at), || at) {
                Some(Ok(value)) => values.push(value),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => values.push(Value::Null),
            }
        }
        Poll::Ready(Ok(()))
    })
    .await?;
    let fill = |at: &usize, value: ServerResult<Value>| {
        if let Some(place) = values.get_mut(*at) {
            *place = value?;
        }
        Ok(())
    };
    waiting.rest(fill).await?;
    if !json {
        return Ok(Value::List(values));
    }
    let list = Value::List(values);
    let mut out = Vec::with_capacity(expected_len(&list));
    write_value(&mut out, &list);
    Ok(Value::Binary(out.into()))
}

async fn one<T: OutputType>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    item: &T,
    at: usize,
) -> ServerResult<Value> {
    let ctx = ctx.with_index(at);
    // A deeper field has said where it failed; the library's lists overwrite that.
    item.resolve(&ctx, field).await.map_err(|error| match error.path.is_empty() {
        true => ctx.set_error_path(error),
        false => error,
    })
}
