//! Every table against the rules of the house, read from the catalogue. No new table can get
//! them half right.

use kontor::{
    access::{Guarded, named_by},
    error::CONSTRAINTS,
};

use crate::support::{TestApp, statements::GLOBAL};

/// Tables of the platform that have a key of their own kind, and why.
const OWN_KEYS: [(&str, &str); 5] = [
    ("counters", "one per name"),
    ("audit_log", "partitioned by time"),
    ("outbox", "ordered by position"),
    ("idempotency_keys", "one per caller and key"),
    ("memberships", "joins a tenant and a user"),
];

/// Tables without row level security although they have a tenant: needed before it is known.
const BEFORE_THE_TENANT: [&str; 1] = ["memberships"];

/// Tables that keep no trail of themselves.
const WITHOUT_TRAIL: [&str; 15] = [
    // What follows from others: it is computed, or says whose turn was last.
    "lead_scores",
    "territory_turns",
    // It seals the trail.
    "audit_seals",
    // When a program was last there is no change of it.
    "api_client_uses",
    // How often what was asked.
    "document_uses",
    "field_uses",
    "jobs",
    "counters",
    "audit_log",
    "outbox",
    "idempotency_keys",
    // What they do is told by entries of their own: sign-ins, and changes of the manager.
    "sessions",
    "refresh_tokens",
    "reporting_lines",
    // Minutes long; what comes of one is a sign-in.
    "sso_attempts",
];

/// A select of tables of ours with a tenant: not partitions, not global ones.
fn tenant_tables(select: &str, and: &str) -> String {
    let global = GLOBAL.map(|name| format!("'{name}'")).join(", ");
    format!(
        "SELECT {select} FROM pg_class c WHERE c.relnamespace = 'kontor'::regnamespace \
         AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN ({global}) {and} ORDER BY 1"
    )
}

fn names(list: &[&str]) -> String {
    list.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_begins_with_its_tenant() {
    let app = TestApp::new().await;
    let without = tenant_tables(
        "c.relname",
        "AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = 1 \
         AND a.attname = 'tenant_id' AND a.attnotnull AND a.atttypid = 'uuid'::regtype)",
    );
    assert_eq!(app.sql(&without).await, [""; 0], "tenant_id uuid NOT NULL comes first");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_keyed_by_tenant_and_id() {
    let app = TestApp::new().await;
    let own = OWN_KEYS.map(|(name, _)| name);
    let others = tenant_tables(
        "c.relname || ': ' || coalesce((SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k \
         WHERE k.conrelid = c.oid AND k.contype = 'p'), 'none')",
        &format!(
            "AND c.relname NOT IN ({}) AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid \
             AND pg_get_constraintdef(k.oid) = 'PRIMARY KEY (tenant_id, id)')",
            names(&own)
        ),
    );
    assert_eq!(app.sql(&others).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unique_index_holds_the_tenant() {
    let app = TestApp::new().await;
    let others = "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
        WHERE c.relnamespace = 'kontor'::regnamespace AND i.indisunique \
        AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') \
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' \
                        AND a.attnum = ANY (i.indkey))";
    assert_eq!(app.sql(others).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_between_tenants_tables_carries_the_tenant() {
    let app = TestApp::new().await;
    let has_tenant = |of: &str| {
        format!(
            "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.{of} AND a.attname = 'tenant_id')"
        )
    };
    let others = format!(
        "SELECT k.conname FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'kontor'::regnamespace \
         AND {} AND {} AND (pg_get_constraintdef(k.oid) NOT LIKE 'FOREIGN KEY (tenant_id, %' \
         OR pg_get_constraintdef(k.oid) !~ 'REFERENCES [a-z_.]+\\(tenant_id, ')",
        has_tenant("conrelid"),
        has_tenant("confrelid")
    );
    assert_eq!(app.sql(&others).await, [""; 0]);
    let set_null =
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('n', 'd')";
    assert_eq!(app.sql(set_null).await, [""; 0], "ON DELETE SET NULL or SET DEFAULT");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_guards_its_rows_with_exactly_one_policy() {
    let app = TestApp::new().await;
    let except = format!("AND c.relname NOT IN ({})", names(&BEFORE_THE_TENANT));
    let open = tenant_tables(
        "c.relname",
        &format!("AND NOT (c.relrowsecurity AND c.relforcerowsecurity) {except}"),
    );
    assert_eq!(app.sql(&open).await, [""; 0], "row level security is not enabled and forced");
    let policies = tenant_tables(
        "c.relname || ' ' || coalesce((SELECT string_agg(p.polpermissive || ' ' || p.polcmd::text || ' ' || \
         pg_get_expr(p.polqual, p.polrelid) || ' ' || pg_get_expr(p.polwithcheck, p.polrelid), '; ') \
         FROM pg_policy p WHERE p.polrelid = c.oid), 'none')",
        &except,
    );
    let expected = "(tenant_id = kontor.current_tenant())";
    for policy in app.sql(&policies).await {
        assert!(policy.ends_with(&format!(" true * {expected} {expected}")), "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_keeps_its_trail() {
    let app = TestApp::new().await;
    let trigger = |name: &str, and: &str| {
        tenant_tables(
            "c.relname",
            &format!(
                "AND c.relname NOT IN ({}) AND NOT EXISTS (SELECT FROM pg_trigger t \
                 WHERE t.tgrelid = c.oid AND t.tgname = '{name}' AND t.tgenabled = 'O') {and}",
                names(&WITHOUT_TRAIL)
            ),
        )
    };
    assert_eq!(app.sql(&trigger("audit", "")).await, [""; 0], "no audit trigger");
    let versioned = "AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'version')";
    assert_eq!(app.sql(&trigger("stamp", versioned)).await, [""; 0], "a version nobody counts");
}

/// What the trail speaks of, `access/tables.rs` says who may hear.
#[tokio::test(flavor = "multi_thread")]
async fn every_trail_has_its_readers() {
    let app = TestApp::new().await;
    let written = "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
        WHERE t.tgname = 'audit' AND c.relnamespace = 'kontor'::regnamespace ORDER BY 1";
    let mut known: Vec<&str> = kontor::access::TABLES.iter().map(|one| one.table).collect();
    known.retain(|table| *table != "users");
    known.sort_unstable();
    assert_eq!(app.sql(written).await, known);
    for table in kontor::access::TABLES {
        for (column, _) in table.fields {
            let exists = format!(
                "SELECT count(*) FROM pg_attribute WHERE attrelid = 'kontor.{}'::regclass AND attname = '{column}'",
                table.table
            );
            assert_eq!(app.sql(&exists).await, ["1"], "{}.{column}", table.table);
        }
    }
}

/// The role of requests owns nothing, passes nothing by, and cannot write the trail.
#[tokio::test(flavor = "multi_thread")]
async fn the_requests_role_is_bound() {
    let app = TestApp::new().await;
    let flags = "SELECT rolsuper::text || rolbypassrls || rolcreaterole || rolcreatedb FROM pg_roles WHERE rolname = 'kontor_app'";
    assert_eq!(app.sql(flags).await, ["falsefalsefalsefalse"]);
    let owned = "SELECT relname FROM pg_class WHERE relowner = 'kontor_app'::regrole";
    assert_eq!(app.sql(owned).await, [""; 0]);
    let writable = "SELECT t || ' ' || p FROM unnest(ARRAY['audit_log', 'outbox']) t, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) p \
        WHERE has_table_privilege('kontor_app', 'kontor.' || t, p)";
    assert_eq!(app.sql(writable).await, [""; 0]);
}

/// What runs as its owner finds its names where nobody else can put any.
#[tokio::test(flavor = "multi_thread")]
async fn functions_of_the_owner_are_pinned() {
    let app = TestApp::new().await;
    let loose = "SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'kontor'::regnamespace AND p.prosecdef \
        AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)";
    assert_eq!(app.sql(loose).await, [""; 0]);
    let open = "SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'kontor'::regnamespace AND p.prosecdef \
        AND has_function_privilege('public', p.oid, 'EXECUTE')";
    assert_eq!(app.sql(open).await, [""; 0]);
}

/// No tenant set: no rows, never all of them.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_tenant_there_are_no_rows() {
    let app = TestApp::new().await;
    let except = format!("AND c.relname NOT IN ({})", names(&BEFORE_THE_TENANT));
    for table in app.sql(&tenant_tables("c.relname", &except)).await {
        for unset in ["", "SET app.tenant_id = '';"] {
            let count = app
                .sql(&format!("SET ROLE kontor_app; {unset} SELECT count(*) FROM kontor.{table}"))
                .await;
            assert_eq!(count, ["0"], "{table}");
        }
    }
    assert_eq!(
        app.sql("SELECT count(*) FROM kontor.companies").await,
        ["24"],
        "there are rows to hide"
    );
}

/// A constraint that a client's input can violate has a sentence for the client.
#[tokio::test(flavor = "multi_thread")]
async fn every_constraint_that_input_can_violate_is_explained() {
    let app = TestApp::new().await;
    let constraints = "SELECT k.conname FROM pg_constraint k WHERE k.connamespace = 'kontor'::regnamespace \
        AND k.contype IN ('u', 'f') AND k.conparentid = 0 AND k.conname !~ '_(tenant|user)_fkey$' AND k.conname !~ '^(sessions|refresh_tokens|reporting_lines|invitations|secrets|security_policies|sales_settings|lead_conversions|lead_links|lead_merges|lead_scores|lead_settings|territory_turns|api_client_secrets|api_client_uses|documents|document_aliases|document_uses|field_uses|audit_seals|sso_attempts)_' UNION \
        SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid \
        WHERE i.relnamespace = 'kontor'::regnamespace AND x.indisunique AND NOT x.indisprimary AND c.relname NOT IN ('refresh_tokens', 'reporting_lines', 'invitations', 'secrets', 'security_policies', 'sales_settings', 'lead_conversions', 'lead_links', 'lead_merges', 'lead_scores', 'lead_settings', 'territory_turns', 'api_client_secrets', 'documents', 'document_aliases', 'document_uses', 'field_uses', 'audit_seals', 'sso_attempts') ORDER BY 1";
    let explained: Vec<&str> = CONSTRAINTS.iter().map(|(name, ..)| *name).collect();
    let found = app.sql(constraints).await;
    for name in &found {
        assert!(explained.contains(&name.as_str()), "{name} is not in error.rs");
        assert!(name.len() < 50, "{name} is too long");
    }
    for name in explained {
        assert!(found.iter().any(|found| found == name), "{name} is in error.rs but nowhere else");
    }
    let numbered = "SELECT conname FROM pg_constraint WHERE connamespace = 'kontor'::regnamespace AND conname ~ '_[0-9]+$' AND conparentid = 0";
    assert_eq!(app.sql(numbered).await, [""; 0], "a name that ends in digits looks like a shard's");
}

/// A column that names a record is told with that record's kind of id, wherever a change is told.
#[tokio::test(flavor = "multi_thread")]
async fn every_reference_is_told_as_an_id_of_its_kind() {
    let app = TestApp::new().await;
    let references = "SELECT k.conrelid::regclass || ' ' || a.attname || ' ' || k.confrelid::regclass \
        FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[array_length(k.conkey, 1)] \
        WHERE k.contype = 'f' AND k.connamespace = 'kontor'::regnamespace AND k.conparentid = 0 ORDER BY 1";
    let mut told = 0;
    for reference in app.sql(references).await {
        let parts: Vec<&str> = reference.split([' ', '.']).collect();
        let (from, column, to) = (parts[1], parts[2], parts[4]);
        // A change of what keeps no trail is never told; an id of its own is no reference.
        let (Some(_), Some(to)) = (Guarded::of(from), Guarded::of(to)) else { continue };
        if !["id", "tenant_id"].contains(&column) {
            assert_eq!(named_by(column), Some(to.prefix), "{from}.{column}");
            told += 1;
        }
    }
    assert!(told > 20, "{told}");
}
