//! The root of an operation runs on the library's executor (its macros do not reach it), which
//! leaves a failed field out and orders the others as they came. This puts both right.

use indexmap::IndexMap;
use real::{
    Positioned, Response, Value, Variables,
    parser::types::{
        Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
    },
};

/// Gives `response.data` every key that the operation asked for, in query order, null where the
/// field failed. A failed field that `non_null` knows as non-null makes all of it null.
pub fn complete_root(
    response: &mut Response,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    non_null: &dyn Fn(&str) -> bool,
) {
    let mut found = match std::mem::take(&mut response.data) {
        Value::Object(fields) => fields,
        _ => IndexMap::new(),
    };
    let mut data = IndexMap::with_capacity(found.len());
    let mut broken = false;
    let roots = Roots { document, operation, variables };
    roots.each(&operation.selection_set.node, &mut |field| {
        let key = &field.response_key().node;
        if !data.contains_key(key) {
            let value = found.swap_remove(key).unwrap_or_default();
            broken |= value == Value::Null && non_null(&field.name.node);
            data.insert(key.clone(), value);
        }
    });
    response.data = if broken { Value::Null } else { Value::Object(data) };
}

struct Roots<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
}

impl Roots<'_> {
    fn each(&self, set: &SelectionSet, visit: &mut dyn FnMut(&Field)) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) if self.included(&field.node.directives) => {
                    visit(&field.node);
                }
                Selection::InlineFragment(inline) if self.included(&inline.node.directives) => {
                    self.each(&inline.node.selection_set.node, visit);
                }
                Selection::FragmentSpread(spread) if self.included(&spread.node.directives) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name) {
                        self.each(&fragment.node.selection_set.node, visit);
                    }
                }
                _ => {}
            }
        }
    }

    fn included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let argument = directive.node.get_argument("if").and_then(|value| {
                value.node.clone().into_const_with(|name| self.variable(&name).ok_or(())).ok()
            });
            match directive.node.name.node.as_str() {
                "skip" => argument != Some(Value::Boolean(true)),
                "include" => argument != Some(Value::Boolean(false)),
                _ => true,
            }
        })
    }

    fn variable(&self, name: &str) -> Option<Value> {
        let definitions = &self.operation.variable_definitions;
        self.variables.get(name).cloned().or_else(|| {
            let definition = definitions.iter().find(|d| d.node.name.node == name)?;
            definition.node.default_value.as_ref().map(|value| value.node.clone())
        })
    }
}
