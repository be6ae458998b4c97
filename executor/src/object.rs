//! Objects: one pass over their fields, and a second over those that had to wait.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use real::{
    ContainerType, ContextSelectionSet, Positioned, ServerResult, Value, parser::types::Field,
};

use crate::{
    answer::Answer,
    json::{close, write_string},
    leaf::Leaves,
    plan::{Asked, Fast, Plan, each_field},
    waiting::Waiting,
};

type Boxed<'c> = Pin<Box<dyn Future<Output = ServerResult<Value>> + Send + 'c>>;

/// Writes a plain field of an object.
type Leaf<T> = fn(&T, &Asked<'_>, &mut Vec<u8>);

/// What of a type is plain.
struct Ways<T: ?Sized> {
    is_leaf: fn(&Asked<'_>) -> bool,
    leaf: Leaf<T>,
}

impl<T: Leaves> Ways<T> {
    const PLAIN: Self = Self { is_leaf: T::is_leaf, leaf: T::leaf };
}

impl<T: ?Sized> Ways<T> {
    const NONE: Self = Self { is_leaf: |_| false, leaf: |_, _, _| {} };
}

/// Stands in for `async_graphql::resolver_utils::resolve_container`.
pub async fn resolve_container<'a, T: ContainerType + ?Sized>(
    ctx: &ContextSelectionSet<'a>,
    root: &'a T,
) -> ServerResult<Value> {
    resolve(ctx, root, Ways::NONE).await
}

/// The same for types of our `Object` attribute.
#[doc(hidden)]
pub async fn resolve_leaves<'a, T: ContainerType + Leaves>(
    ctx: &ContextSelectionSet<'a>,
    root: &'a T,
) -> ServerResult<Value> {
    resolve(ctx, root, Ways::PLAIN).await
}

/// Are all fields plain that are asked of the object?
#[doc(hidden)]
pub fn is_plain<T: ContainerType + Leaves>(ctx: &ContextSelectionSet<'_>, fast: &Fast) -> bool {
    Plan::of::<T>(ctx, fast, &T::type_name(), T::is_leaf).is_ok_and(|plan| plan.all_plain)
}

/// Writes an object all of whose fields are plain.
#[doc(hidden)]
pub fn write<T: ContainerType + Leaves>(
    root: &T,
    ctx: &ContextSelectionSet<'_>,
    fast: &Fast,
    out: &mut Vec<u8>,
) {
    // What is broken is known before anybody writes it.
    if let Ok(plan) = Plan::of::<T>(ctx, fast, &T::type_name(), T::is_leaf) {
        write_plain((ctx, fast), &plan, (root, T::leaf), out).unwrap_or_default();
    }
}

fn write_plain<T: ?Sized>(
    (ctx, fast): (&ContextSelectionSet<'_>, &Fast),
    plan: &Plan,
    (root, leaf): (&T, Leaf<T>),
    out: &mut Vec<u8>,
) -> ServerResult<()> {
    let (start, mut fields) = (out.len(), plan.fields.iter());
    each_field(ctx, &ctx.item.node, &plan.ty, &mut |field| {
        let Some((Some(slot), _)) = fields.next() else { return Ok(()) };
        out.extend_from_slice(plan.keys.get(*slot).map_or(&[], |key| key));
        match field.node.name.node.as_str() {
            "__typename" => write_string(out, &plan.ty),
            _ => leaf(root, &Asked { ctx, fast, field }, out),
        }
        Ok(())
    })?;
    close(out, start);
    plan.made_one();
    Ok(())
}

async fn resolve<'a, T: ContainerType + ?Sized>(
    ctx: &ContextSelectionSet<'a>,
    root: &'a T,
    ways: Ways<T>,
) -> ServerResult<Value> {
    let name = T::type_name();
    if let Some(fast) = ctx.data_opt::<Fast>() {
        if root.introspection_type_name() == name {
            let plan = Plan::of::<T>(ctx, fast, &name, ways.is_leaf)?;
            if plan.all_plain {
                let mut out = Vec::with_capacity(plan.expected_size());
                write_plain((ctx, fast), &plan, (root, ways.leaf), &mut out)?;
                plan.learn_size(out.len());
                return Ok(Value::Binary(out.into()));
            }
            if !plan.directives {
                plan.made_one();
                let run: Boxed<'_> = Box::pin(run((ctx, fast), plan, root, ways.leaf));
                return run.await;
            }
        } else {
            // Interfaces and unions stay with the library.
            fast.made_another();
        }
    }
    real::resolver_utils::resolve_container(ctx, root).await
}

async fn run<'a, T: ContainerType + ?Sized>(
    (ctx, fast): (&ContextSelectionSet<'a>, &Fast),
    plan: Arc<Plan>,
    root: &'a T,
    leaf: Leaf<T>,
) -> ServerResult<Value> {
    // An error makes a nullable field null, and fails the object otherwise.
    let or_null = |field: &Positioned<Field>, result: ServerResult<Value>| {
        result.or_else(|error| {
            let ty = ctx.schema_env.registry.types.get(&*plan.ty);
            match ty.and_then(|ty| ty.field_by_name(&field.node.name.node)) {
                Some(meta) if !meta.ty.ends_with('!') => {
                    ctx.add_error(error);
                    Ok(Value::Null)
                }
                _ => Err(error),
            }
        })
    };
    let mut answer = Answer::new(&plan, fast.json);
    let mut waiting = Waiting::new();
    poll_fn(|cx| {
        let mut fields = plan.fields.iter().copied();
        Poll::Ready(each_field(ctx, &ctx.item.node, &plan.ty, &mut |field| {
            let Some((Some(slot), plain)) = fields.next() else { return Ok(()) };
            if field.node.name.node == "__typename" {
                answer.put(&plan, slot, Value::String(plan.ty.to_string()));
                return Ok(());
            }
            if plain {
                answer.leaf(&plan, slot, |out| leaf(root, &Asked { ctx, fast, field }, out));
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
