//! Objects: one pass over their fields, and a second over those that had to wait.

use std::{
    borrow::Cow,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Poll,
};

use real::{
    ContainerType, ContextSelectionSet, Positioned, ServerResult, Value, parser::types::Field,
};

use crate::{
    answer::Answer,
    leaf::Leaves,
    plan::{Fast, Plan, each_field},
    waiting::Waiting,
};

type Boxed<'c> = Pin<Box<dyn Future<Output = ServerResult<Value>> + Send + 'c>>;

/// Stands in for `async_graphql::resolver_utils::resolve_container`.
pub async fn resolve_container<'a, T: ContainerType + ?Sized>(
    ctx: &ContextSelectionSet<'a>,
    root: &'a T,
) -> ServerResult<Value> {
    resolve(ctx, root, |_, _, _| false).await
}

/// The same for types of our `Object` attribute.
#[doc(hidden)]
pub async fn resolve_leaves<'a, T: ContainerType + Leaves>(
    ctx: &ContextSelectionSet<'a>,
    root: &'a T,
) -> ServerResult<Value> {
    resolve(ctx, root, T::leaf).await
}

async fn resolve<'a, T: ContainerType + ?Sized>(
    ctx: &ContextSelectionSet<'a>,
    root: &'a T,
    leaf: impl Fn(&T, &str, &mut Vec<u8>) -> bool + Send + Sync,
) -> ServerResult<Value> {
    let name = T::type_name();
    if let Some(fast) = ctx.data_opt::<Fast>() {
        if root.introspection_type_name() == name {
            let plan = Plan::of::<T>(ctx, fast, &name)?;
            if !plan.directives {
                if let Some(value) = only_leaves(ctx, root, &name, (&plan, fast.json), &leaf)? {
                    return Ok(value);
                }
                let run: Boxed<'_> = Box::pin(run(ctx, root, name, plan, fast.json, leaf));
                return run.await;
            }
        } else {
            // Interfaces and unions stay with the library.
            fast.made_another();
        }
    }
    real::resolver_utils::resolve_container(ctx, root).await
}

/// An object of nothing but plain leaves, which takes no future; `None`: this is no such object.
fn only_leaves<T: ?Sized>(
    ctx: &ContextSelectionSet<'_>,
    root: &T,
    name: &str,
    (plan, json): (&Plan, bool),
    leaf: &impl Fn(&T, &str, &mut Vec<u8>) -> bool,
) -> ServerResult<Option<Value>> {
    if !json || !plan.only_leaves.load(Relaxed) {
        return Ok(None);
    }
    let mut answer = Answer::new(plan, json);
    let (mut slots, mut all) = (plan.slots.iter(), true);
    each_field(ctx, &ctx.item.node, name, &mut |field| {
        let Some(slot) = slots.next().copied().flatten().filter(|_| all) else { return Ok(()) };
        match field.node.name.node.as_str() {
            "__typename" => answer.put(plan, slot, Value::String(name.to_owned())),
            field => all = answer.leaf(plan, slot, |out| leaf(root, field, out)),
        }
        Ok(())
    })?;
    plan.only_leaves.store(all, Relaxed);
    Ok(all.then(|| answer.finish(plan)))
}

async fn run<'a, T: ContainerType + ?Sized>(
    ctx: &ContextSelectionSet<'a>,
    root: &'a T,
    name: Cow<'static, str>,
    plan: Arc<Plan>,
    json: bool,
    leaf: impl Fn(&T, &str, &mut Vec<u8>) -> bool + Send + Sync,
) -> ServerResult<Value> {
    // An error makes a nullable field null, and fails the object otherwise.
    let or_null = |field: &Positioned<Field>, result: ServerResult<Value>| {
        result.or_else(|error| {
            let ty = ctx.schema_env.registry.types.get(&*name);
            match ty.and_then(|ty| ty.field_by_name(&field.node.name.node)) {
                Some(meta) if !meta.ty.ends_with('!') => {
                    ctx.add_error(error);
                    Ok(Value::Null)
                }
                _ => Err(error),
            }
        })
    };
    let mut answer = Answer::new(&plan, json);
    let mut waiting = Waiting::new();
    poll_fn(|cx| {
        let mut slots = plan.slots.iter();
        Poll::Ready(each_field(ctx, &ctx.item.node, &name, &mut |field| {
            let Some(slot) = slots.next().copied().flatten() else { return Ok(()) };
            if field.node.name.node == "__typename" {
                answer.put(&plan, slot, Value::String(name.to_string()));
                return Ok(());
            }
            if answer.leaf(&plan, slot, |out| leaf(root, &field.node.name.node, out)) {
                return Ok(());
            }
            let place = || (answer.reserve(&plan, slot), field);
            if let Some(result) = waiting.start(cx, one(ctx, root, field), place) {
                answer.put(&plan, slot, or_null(field, result)?);
            }
            Ok(())
        }))
    })
    .await?;
    let fill = |&(place, field): &(usize, &Positioned<Field>), result| {
        answer.fill(&plan, place, or_null(field, result)?);
        Ok(())
    };
    waiting.rest(fill).await?;
    Ok(answer.finish(&plan))
}

async fn one<T: ContainerType + ?Sized>(
    ctx: &ContextSelectionSet<'_>,
    root: &T,
    field: &Positioned<Field>,
) -> ServerResult<Value> {
    root.resolve_field(&ctx.with_field(field)).await.map(Option::unwrap_or_default)
}
