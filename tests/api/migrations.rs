//! Migrations go up, down and up again, and end where they were.

use kontor::{
    clock::Clock,
    db::{Db, Migrator, inspect},
};

use crate::support::postgres::{ask, empty_database};

/// Everything in the schema, as text.
const DUMP: &str = "SET search_path = pg_catalog;
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
       || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS line
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'kontor'::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'kontor'::regnamespace
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'kontor'
UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  WHERE c.relnamespace = 'kontor'::regnamespace AND NOT t.tgisinternal
UNION ALL SELECT 'policy ' || tablename || ' ' || policyname || ' ' || permissive || ' ' || qual FROM pg_policies
UNION ALL SELECT 'function ' || p.oid::regprocedure || ' ' || coalesce(p.prosrc, '') || coalesce(p.proacl::text, '')
  FROM pg_proc p WHERE p.pronamespace = 'kontor'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
UNION ALL SELECT 'grant ' || table_name || ' ' || grantee || ' ' || privilege_type
  FROM information_schema.role_table_grants WHERE table_schema = 'kontor'
UNION ALL SELECT 'security ' || relname || ' ' || relrowsecurity || ' ' || relforcerowsecurity || ' ' || relowner::regrole
  FROM pg_class WHERE relnamespace = 'kontor'::regnamespace AND relkind IN ('r', 'p')
ORDER BY 1";

#[tokio::test(flavor = "multi_thread")]
async fn up_down_up_ends_where_it_was() {
    let settings = empty_database().await;
    let clock = Clock::system();
    let (_, before) = inspect(&settings).await.unwrap();
    assert!(before.applied.is_empty() && !before.pending.is_empty());
    let applied = Migrator::open(&settings).await.unwrap().up(&clock).await.unwrap();
    assert_eq!(applied, before.pending);
    let first = ask(&settings.owner_url, DUMP).await;
    assert!(first.len() > 100);

    let mut taken_back = Vec::new();
    while let Some(version) = Migrator::open(&settings).await.unwrap().down().await.unwrap() {
        taken_back.push(version);
    }
    taken_back.reverse();
    assert_eq!(taken_back, applied);
    let left = ask(&settings.owner_url, "SELECT relname FROM pg_class WHERE relnamespace = 'kontor'::regnamespace AND relkind IN ('r', 'p', 'v')").await;
    assert_eq!(left, ["__diesel_schema_migrations"]);

    Migrator::open(&settings).await.unwrap().up(&clock).await.unwrap();
    assert_eq!(ask(&settings.owner_url, DUMP).await, first);
    assert!(Migrator::open(&settings).await.unwrap().up(&clock).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_migrated_or_newer_database_is_told_apart() {
    let settings = empty_database().await;
    Migrator::open(&settings).await.unwrap().up(&Clock::system()).await.unwrap();
    let db = Db::new(&settings).unwrap();
    assert_eq!(db.migration_state().await.unwrap().complaint(), None);
    let complaint = async || db.migration_state().await.unwrap().complaint().unwrap();
    let newest = "(SELECT max(version) FROM kontor.__diesel_schema_migrations)";
    ask(&settings.owner_url, &format!("UPDATE kontor.__diesel_schema_migrations SET version = '29991231' WHERE version = {newest}")).await;
    assert!(complaint().await.contains("newer than this program"));
    ask(
        &settings.owner_url,
        &format!("DELETE FROM kontor.__diesel_schema_migrations WHERE version = {newest}"),
    )
    .await;
    assert_eq!(complaint().await, "One migration is missing. Run `kontor migrate up`.");
}
