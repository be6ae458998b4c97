//! Watches the SQL of every operation that the suite runs.

use std::{
    collections::HashSet,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use async_graphql::{
    Value as Argument,
    parser::{
        parse_query,
        types::{ExecutableDocument, OperationType, Selection, SelectionSet},
    },
};
use sqlparser::{
    ast::{
        BinaryOperator, Expr, JoinConstraint, JoinOperator, ObjectName, Query, Select, SetExpr,
        Statement, TableFactor, TableObject, TableWithJoins, Value, ValueWithSpan, Visit, Visitor,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use super::{
    locked,
    sdl::{bare, schema},
};

/// Tables that belong to no tenant. A row may leave this list, none may join it unnoticed.
pub const GLOBAL: [&str; 9] = [
    "recovery_codes",
    "user_factors",
    "keys",
    "tenants",
    "users",
    "password_resets",
    "schedules",
    "sign_in_attempts",
    "__diesel_schema_migrations",
];

/// Statements of the platform that name no table, or (log_commit) filter inside.
const WITHOUT_TABLES: [&str; 8] = [
    "SELECT kontor.audit_event(",
    "BEGIN ISOLATION LEVEL",
    "SELECT kontor.log_commit(",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "ROLLBACK TO SAVEPOINT",
    "SET ",
];

/// Statements that a request runs before its tenant is known: sign-in finds a person's places.
const BEFORE_THE_TENANT: [&str; 10] = [
    // Whose leads' scores get less by themselves: likewise.
    "FROM kontor.tenants_with_ageing_scores() t",
    // Whose log is to be sealed, or reaches back too far: ids; then dropping what does: a number.
    "FROM kontor.tenants_to_seal($1) t",
    "FROM kontor.tenants_with_trail_before($1) t",
    "FROM kontor.retire_trail($1) r",
    // Whose secrets are under an older key: likewise.
    "FROM kontor.tenants_with_older_secrets($1, $2) t",
    // Which tenants have work: a function that gives ids and nothing else.
    "FROM kontor.tenants_with_work($1, $2) t",
    // How many jobs are not done: numbers and nothing else.
    "FROM kontor.jobs_of_all_tenants($1) j",
    // What nobody asks for again goes: a function that gives a number.
    "FROM kontor.upkeep($1) u",
    // Who chooses a new password is signed out everywhere.
    "SELECT \"kontor\".\"memberships\".\"tenant_id\" FROM \"kontor\".\"memberships\" WHERE ((\"kontor\".\"memberships\".\"user_id\" = $1) AND (\"kontor\".\"memberships\".\"deactivated_at\" IS NULL))",
    "\"kontor\".\"memberships\".\"user_id\" = $1) AND (\"kontor\".\"memberships\".\"deactivated_at\" IS NULL)) ORDER BY \"kontor\".\"tenants\".\"slug\"",
];

/// What is no record, but comes from a table of its own.
const LOADED: [(&str, &str); 17] = [
    ("TimelineEntry", "stageChange"),
    ("Lead", "score"),
    ("Lead", "grade"),
    ("Lead", "scoreParts"),
    ("Lead", "links"),
    ("Lead", "availableTransitions"),
    ("Territory", "members"),
    ("Territory", "rules"),
    ("ApiClient", "secrets"),
    ("ApiClient", "lastUsedAt"),
    ("ApiClient", "unknownDocuments"),
    ("Deal", "isStuck"),
    ("Deal", "weighted"),
    ("Deal", "stageHistory"),
    ("Deal", "availableTransitions"),
    ("PersistedDocument", "uses"),
    ("PersistedDocument", "lastUsedAt"),
];

/// What a test's database was asked.
#[derive(Clone, Default)]
pub struct Log(Arc<Inner>);

#[derive(Default)]
struct Inner {
    statements: Mutex<Vec<String>>,
    running: AtomicU32,
}

impl Log {
    pub fn record(&self, sql: &str) {
        let sql = sql.split(" -- binds:").next().unwrap_or(sql).trim();
        locked(&self.0.statements).push(sql.to_owned());
    }

    /// Watches one operation. Operations in parallel are checked for their predicates only.
    pub fn begin(&self) -> Watch {
        let alone = self.0.running.fetch_add(1, SeqCst) == 0;
        if alone {
            locked(&self.0.statements).clear();
        }
        Watch { log: self.clone(), alone }
    }
}

pub struct Watch {
    log: Log,
    alone: bool,
}

impl Watch {
    pub fn check(self, query: &str) {
        let statements = std::mem::take(&mut *locked(&self.log.0.statements));
        let alone = self.alone && self.log.0.running.load(SeqCst) == 1;
        for sql in &statements {
            if let Some(fault) = fault_of(sql) {
                panic!("{fault}\n  in: {sql}\n  of: {query}");
            }
        }
        let count = statements.iter().filter(|sql| counts(sql)).count();
        // What ran nothing is not followed: it may be a document that never ends. What an explanation
        // runs is in another document.
        if alone
            && count > 0
            && !query.contains("explain(")
            && let Ok(document) = parse_query(query)
        {
            let budget = budget(&document);
            assert!(
                budget.is_none_or(|budget| count <= budget),
                "{count} statements for a budget of {budget:?}: {query}\n{statements:#?}"
            );
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.log.0.running.fetch_sub(1, SeqCst);
    }
}

fn counts(sql: &str) -> bool {
    // What an id stands for is looked up before anything runs, once a second.
    let looked_up = sql.starts_with("SELECT DISTINCT ON (d.hash) d.id, d.client_id, d.hash");
    !looked_up && !WITHOUT_TABLES.iter().any(|prefix| sql.starts_with(prefix))
}

/// How many statements a query may take: one for each root field, distinct edge of each level (the
/// managers of managers are asked for when the managers are known) and totalCount.
/// What a mutation and a subscription run is their own business; `None`.
pub fn budget(document: &ExecutableDocument) -> Option<usize> {
    let (_, operation) = document.operations.iter().next()?;
    if operation.node.ty != OperationType::Query {
        return None;
    }
    let mut edges = HashSet::new();
    let mut extra = 0;
    walk(document, &operation.node.selection_set.node, ("Query", 0), &mut edges, &mut extra);
    Some(edges.len() + extra)
}

fn walk(
    document: &ExecutableDocument,
    set: &SelectionSet,
    (parent, depth): (&str, usize),
    edges: &mut HashSet<(usize, String, String)>,
    extra: &mut usize,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                let Some(definition) = schema().field(parent, name) else { continue };
                let ty = bare(&definition.ty.node);
                let within = parent.ends_with("Connection") || parent.ends_with("Edge");
                let leads = schema().is_node(ty) || ty.ends_with("Connection");
                let below = depth + usize::from(!within);
                if name == "totalCount" {
                    *extra += 1;
                } else if name == "facets" {
                    let by = field.node.arguments.iter().find(|(name, _)| name.node == "by");
                    // Written out, or the most that there may be.
                    *extra += match by.and_then(|(_, by)| by.node.clone().into_const()) {
                        Some(Argument::List(by)) => by.len(),
                        _ => 10,
                    };
                } else if parent == "Query" {
                    // Each alias is a question of its own; several kinds may hide behind `nodes`.
                    *extra += match ty {
                        // A log's reach, and which of its changes mark a record as deleted, besides.
                        "Node" | "ChangeConnection" => 3,
                        // A person's roles, team and territories besides, and what they reach.
                        "AccessExplanation" => 8,
                        _ => 1,
                    };
                } else if (leads || LOADED.contains(&(parent, name))) && !within {
                    // A list with other arguments is another one.
                    let list = ty.ends_with("Connection");
                    let name = if list { field.node.response_key().node.as_str() } else { name };
                    edges.insert((depth, parent.to_owned(), name.to_owned()));
                    *extra += match (ty, name) {
                        // The stages besides, how the tenant sells, and where deals on hold came from.
                        (_, "availableTransitions") => 2,
                        // What activities are about, or timelines: four kinds of records.
                        ("Node", _) => 3,
                        _ => schema().kinds(ty) - 1,
                    };
                }
                // The saved view is looked up first.
                *extra += usize::from(field.node.get_argument("view").is_some());
                walk(document, &field.node.selection_set.node, (ty, below), edges, extra);
            }
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref();
                let on = on.map_or(parent, |on| on.node.on.node.as_str());
                walk(document, &inline.node.selection_set.node, (on, depth), edges, extra);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    walk(document, &fragment.node.selection_set.node, (on, depth), edges, extra);
                }
            }
        }
    }
}

/// What is wrong with a statement: a tenant's table without `tenant_id = $n`.
pub fn fault_of(sql: &str) -> Option<String> {
    static SOUND: OnceLock<Mutex<HashSet<String>>> = OnceLock::new();
    let sound = SOUND.get_or_init(Mutex::default);
    if WITHOUT_TABLES.iter().any(|prefix| sql.starts_with(prefix))
        || BEFORE_THE_TENANT.iter().any(|part| sql.contains(part))
        || locked(sound).contains(sql)
    {
        return None;
    }
    // The parser knows the stronger lock only.
    let plain = sql.replace("FOR NO KEY UPDATE", "FOR UPDATE");
    let statements = match Parser::parse_sql(&PostgreSqlDialect {}, &plain) {
        Ok(statements) => statements,
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    let mut lint = Lint::default();
    for statement in &statements {
        if let ControlFlow::Break(fault) = statement.visit(&mut lint) {
            return Some(fault);
        }
    }
    locked(sound).insert(sql.to_owned());
    None
}

#[derive(Default)]
struct Lint {
    /// What the statement has named itself; such queries are visited by themselves.
    named: HashSet<String>,
}

/// Functions of the owner's that look at the tenant at hand and at no other.
const OWNERS: &str = "kontor.found_in_";

impl Visitor for Lint {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let named = query.with.iter().flat_map(|with| &with.cte_tables);
        self.named.extend(named.map(|named| named.alias.name.value.clone()));
        each_select(&query.body, &mut |select| {
            let mut conditions: Vec<&Expr> = select.selection.iter().collect();
            self.check(&select.from, &mut conditions)
        })
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<String> {
        match statement {
            Statement::Update(update) => {
                let mut conditions: Vec<&Expr> = update.selection.iter().collect();
                self.check(std::slice::from_ref(&update.table), &mut conditions)
            }
            Statement::Delete(delete) => {
                let (sqlparser::ast::FromTable::WithFromKeyword(from)
                | sqlparser::ast::FromTable::WithoutKeyword(from)) = &delete.from;
                self.check(from, &mut delete.selection.iter().collect())
            }
            Statement::Insert(insert) => {
                let TableObject::TableName(table) = &insert.table else {
                    return ControlFlow::Continue(());
                };
                let names_tenant =
                    insert.columns.iter().any(|c| c.to_string().contains("tenant_id"));
                match is_tenants(table) && !names_tenant {
                    true => ControlFlow::Break(format!("INSERT into {table} without tenant_id")),
                    false => ControlFlow::Continue(()),
                }
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Lint {
    /// Every tenant's table among these has its predicate in the conditions or in its join.
    fn check<'a>(
        &self,
        from: &'a [TableWithJoins],
        conditions: &mut Vec<&'a Expr>,
    ) -> ControlFlow<String> {
        let mut tables = Vec::new();
        from.iter().for_each(|joined| gather(joined, &mut tables, conditions));
        for table in tables {
            let TableFactor::Table { name, alias, .. } = table else {
                match table {
                    // A query of its own, which is visited by itself; or bound values.
                    TableFactor::Derived { .. } | TableFactor::UNNEST { .. } => continue,
                    TableFactor::Function { name, .. } if name.to_string().starts_with(OWNERS) => {
                        continue;
                    }
                    other => return ControlFlow::Break(format!("what is {other}?")),
                }
            };
            if !self.named.contains(&name.to_string()) && is_tenants(name) {
                let known_as =
                    alias.as_ref().map_or_else(|| name.to_string(), |a| a.name.to_string());
                let known_as = known_as.replace('"', "");
                if !conditions.iter().any(|condition| binds_tenant(condition, &known_as)) {
                    return ControlFlow::Break(format!("{known_as} without tenant_id = $n"));
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn each_select(
    body: &SetExpr,
    visit: &mut dyn FnMut(&Select) -> ControlFlow<String>,
) -> ControlFlow<String> {
    match body {
        SetExpr::Select(select) => visit(select),
        SetExpr::SetOperation { left, right, .. } => {
            each_select(left, visit)?;
            each_select(right, visit)
        }
        // A nested query is visited by itself.
        _ => ControlFlow::Continue(()),
    }
}

/// The tables of a join, in parentheses or not, and what they are joined on.
fn gather<'a>(
    joined: &'a TableWithJoins,
    tables: &mut Vec<&'a TableFactor>,
    conditions: &mut Vec<&'a Expr>,
) {
    for (relation, operator) in std::iter::once((&joined.relation, None))
        .chain(joined.joins.iter().map(|join| (&join.relation, Some(&join.join_operator))))
    {
        match relation {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                gather(table_with_joins, tables, conditions);
            }
            table => tables.push(table),
        }
        if let Some(
            JoinOperator::Inner(JoinConstraint::On(on))
            | JoinOperator::Join(JoinConstraint::On(on))
            | JoinOperator::Left(JoinConstraint::On(on))
            | JoinOperator::LeftOuter(JoinConstraint::On(on)),
        ) = operator
        {
            conditions.push(on);
        }
    }
}

fn is_tenants(name: &ObjectName) -> bool {
    let name = name.to_string().replace('"', "");
    let bare = name.rsplit('.').next().unwrap_or_default();
    !GLOBAL.contains(&bare)
}

/// `table.tenant_id = $n` as one of the conditions that are joined by AND.
fn binds_tenant(condition: &Expr, table: &str) -> bool {
    match condition {
        Expr::Nested(inner) => binds_tenant(inner, table),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            binds_tenant(left, table) || binds_tenant(right, table)
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            let bound = |expr: &Expr| {
                matches!(expr, Expr::Value(ValueWithSpan { value: Value::Placeholder(_), .. }))
            };
            let column = left.to_string().replace('"', "");
            column == format!("{table}.tenant_id") && bound(right)
        }
        _ => false,
    }
}
