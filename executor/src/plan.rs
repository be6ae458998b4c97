//! What one selection set means for one concrete type: worked out once per request and shared by
//! all objects of a list.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use indexmap::IndexMap;
use real::{
    Context, ContextSelectionSet, Name, Positioned, ServerError, ServerResult, Value,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};

use crate::json;

/// Put this into the data of a request to run it on our executor.
#[derive(Default)]
pub struct Fast {
    pub(crate) json: bool,
    made: Made,
}

/// The objects that an answer was made of; the root is none of them. What asks for nothing but the
/// schema itself is not counted.
#[derive(Clone, Default)]
pub struct Made(Arc<Objects>);

#[derive(Default)]
struct Objects {
    plans: Mutex<Plans>,
    /// Behind an interface or a union.
    others: AtomicU64,
}

impl Made {
    fn plans(&self) -> MutexGuard<'_, Plans> {
        self.0.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `tell` with each type's name and a number of its objects. Those behind interfaces come
    /// under no name.
    pub fn each(&self, tell: &mut dyn FnMut(&str, u64)) {
        self.plans().values().for_each(|plan| tell(&plan.ty, plan.made.load(Relaxed)));
        tell("", self.0.others.load(Relaxed));
    }
}

type Plans = HashMap<(usize, usize), Arc<Plan>, BuildHasherDefault<AddressHasher>>;

impl Fast {
    /// Objects are `Value::Object`, as the library makes them.
    pub fn tree() -> Self {
        Self::default()
    }

    /// Objects are ready JSON inside `Value::Binary`, for [`crate::response_json`]; unless the
    /// document asks for parts of one object in several places, which must be merged as values.
    pub fn json(document: &ExecutableDocument) -> Self {
        Self { json: !Merges::any(document), ..Self::default() }
    }

    /// To count by, once the request has run.
    pub fn made(&self) -> Made {
        self.made.clone()
    }

    pub(crate) fn made_another(&self) {
        self.made.0.others.fetch_add(1, Relaxed);
    }
}

/// Finds out whether a composite response key may occur twice in one object. Every selection set
/// and fragment is looked at once, so a document of fragments that spread each other costs no more
/// than its length; where it is not sure it says yes, which costs speed only.
struct Merges<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, HashSet<&'a str>>,
    found: bool,
}

impl<'a> Merges<'a> {
    fn any(document: &'a ExecutableDocument) -> bool {
        let mut search = Self { document, fragments: HashMap::new(), found: false };
        for (_, operation) in document.operations.iter() {
            search.keys(&operation.node.selection_set.node, &mut HashSet::new());
        }
        search.found
    }

    /// Adds the composite keys of a set to `keys`.
    fn keys(&mut self, set: &'a SelectionSet, keys: &mut HashSet<&'a str>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    if !field.node.selection_set.node.items.is_empty() {
                        self.found |= !keys.insert(field.node.response_key().node.as_str());
                        self.keys(&field.node.selection_set.node, &mut HashSet::new());
                    }
                }
                Selection::InlineFragment(inline) => {
                    self.keys(&inline.node.selection_set.node, keys);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if !self.fragments.contains_key(name) {
                        self.fragments.insert(name, HashSet::new());
                        let mut own = HashSet::new();
                        if let Some(fragment) = self.document.fragments.get(name) {
                            self.keys(&fragment.node.selection_set.node, &mut own);
                        }
                        self.fragments.insert(name, own);
                    }
                    for key in self.fragments.get(name).into_iter().flatten() {
                        self.found |= !keys.insert(key);
                    }
                }
            }
        }
    }
}

/// Keys are addresses: a multiplication spreads them well enough.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, number: usize) {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

/// A field that is asked of an object.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What is asked of the whole object.
    pub(crate) ctx: &'a ContextSelectionSet<'a>,
    pub(crate) fast: &'a Fast,
    pub(crate) field: &'a Positioned<Field>,
}

impl<'a> Asked<'a> {
    /// The field's name.
    pub fn name(&self) -> &'a str {
        &self.field.node.name.node
    }

    /// What the field's method is told.
    pub fn context(&self) -> Context<'a> {
        self.ctx.with_field(self.field)
    }
}

pub(crate) struct Plan {
    /// A field carries a directive: such objects stay with the library.
    pub(crate) directives: bool,
    /// For each visited field its place in the answer, and whether it can be written where it
    /// stands. Fields with one response key share a place; a leaf that was asked for twice is
    /// answered once (`None`).
    pub(crate) fields: Vec<(Option<usize>, bool)>,
    pub(crate) shares_slots: bool,
    /// All of them can be written where they stand.
    pub(crate) all_plain: bool,
    /// The answer with all values null; cloning it hashes nothing.
    pub(crate) template: IndexMap<Name, Value>,
    /// The JSON key of each slot, with comma and colon.
    pub(crate) keys: Vec<Box<[u8]>>,
    /// The longest JSON so far, to allocate once.
    pub(crate) size: AtomicUsize,
    /// The type's name.
    pub(crate) ty: Box<str>,
    /// How many objects were made by it.
    made: AtomicU64,
}

impl Plan {
    pub(crate) fn of<T: ?Sized>(
        ctx: &ContextSelectionSet<'_>,
        fast: &Fast,
        name: &str,
        plain: fn(&Asked<'_>) -> bool,
    ) -> ServerResult<Arc<Self>> {
        // The document outlives the request's data, so an address names one selection set, and
        // the name of a Rust type is static (a GraphQL name may be built anew on each call).
        let set = std::ptr::from_ref(&ctx.item.node).addr();
        let key = (set, std::any::type_name::<T>().as_ptr().addr());
        if let Some(plan) = fast.made.plans().get(&key) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(Self::new(ctx, fast, name, plain)?);
        fast.made.plans().insert(key, plan.clone());
        Ok(plan)
    }

    fn new(
        ctx: &ContextSelectionSet<'_>,
        fast: &Fast,
        name: &str,
        is_plain: fn(&Asked<'_>) -> bool,
    ) -> ServerResult<Self> {
        let (mut directives, mut fields, mut template) = (false, Vec::new(), IndexMap::new());
        each_field(ctx, &ctx.item.node, name, &mut |field| {
            directives |= !field.node.directives.is_empty();
            let key = field.node.response_key().node.clone();
            let (slot, earlier) = template.insert_full(key, Value::Null);
            let leaf = field.node.selection_set.node.items.is_empty();
            let named = field.node.name.node == "__typename";
            let plain = fast.json && (named || is_plain(&Asked { ctx, fast, field }));
            fields.push(((earlier.is_none() || !leaf).then_some(slot), plain));
            Ok(())
        })?;
        let keys: Vec<_> = template.keys().map(|key| json::key(key)).collect();
        let shares_slots = fields.iter().filter_map(|(slot, _)| *slot).count() != keys.len();
        let all_plain = fast.json && !directives && fields.iter().all(|(_, plain)| *plain);
        let size = AtomicUsize::new(256);
        let (ty, made) = (name.into(), AtomicU64::new(0));
        Ok(Self { directives, fields, shares_slots, all_plain, template, keys, size, ty, made })
    }

    pub(crate) fn made_one(&self) {
        self.made.fetch_add(1, Relaxed);
    }

    pub(crate) fn expected_size(&self) -> usize {
        self.size.load(Relaxed)
    }

    pub(crate) fn learn_size(&self, len: usize) {
        self.size.fetch_max(len + len / 8, Relaxed);
    }
}

/// Calls `visit` for each field of the set that applies to the type `name`, in query order.
pub(crate) fn each_field<'a>(
    ctx: &ContextSelectionSet<'a>,
    set: &'a SelectionSet,
    name: &str,
    visit: &mut dyn FnMut(&'a Positioned<Field>) -> ServerResult<()>,
) -> ServerResult<()> {
    let types = &ctx.schema_env.registry.types;
    let applies =
        |on: &str| on == name || types.get(on).is_some_and(|ty| ty.is_possible_type(name));
    for item in &set.items {
        let (condition, inner) = match &item.node {
            Selection::Field(field) => {
                visit(field)?;
                continue;
            }
            Selection::InlineFragment(inline) => {
                (inline.node.type_condition.as_ref(), &inline.node.selection_set)
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let fragment = ctx.query_env.fragments.get(name).ok_or_else(|| {
                    ServerError::new(format!("Unknown fragment \"{name}\"."), Some(spread.pos))
                })?;
                (Some(&fragment.node.type_condition), &fragment.node.selection_set)
            }
        };
        if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
            each_field(ctx, &inner.node, name, visit)?;
        }
    }
    Ok(())
}
