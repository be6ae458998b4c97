-- What every table stands on: tenant context, row level security, audit, the log, counters.
-- The roles and the schema `kontor` exist before this runs (src/db/migrate.rs).

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA kontor;
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA kontor;
GRANT USAGE ON SCHEMA kontor TO kontor_app, kontor_worker;

-- Ids ---------------------------------------------------------------------------------------

-- The moment in a UUIDv7, to the millisecond.
CREATE FUNCTION kontor.uuid_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT timestamptz 'epoch' + ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
         * interval '1 millisecond'
$$;

-- A UUIDv7 at a moment: a random UUIDv4 with time in front and the version's two bits changed.
CREATE FUNCTION kontor.uuid_v7(at timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$
  SELECT encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(round(extract(epoch FROM at) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
      52, 1), 53, 1), 'hex')::uuid
$$;

-- A UUIDv7 whose random part begins with a number, so that ids of one moment keep an order.
CREATE FUNCTION kontor.uuid_ordered(at timestamptz, ordinal bigint) RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$
  SELECT (left(replace(kontor.uuid_v7(at)::text, '-', ''), 12) || '7' || left(o, 3) || '8' || right(o, 7)
          || right(gen_random_uuid()::text, 8))::uuid
  FROM (SELECT lpad(to_hex(least(ordinal, 1099511627775)), 10, '0') AS o) AS number
$$;

-- Context -----------------------------------------------------------------------------------

-- Who a writing transaction works for. SET LOCAL, because it ends with the transaction and
-- because Citus hands it on to its workers (set_config(…, true) it does not). A read sets its
-- tenant with the same SET LOCAL beside its BEGIN (src/db/tenant.rs).
CREATE FUNCTION kontor.begin_ctx(tenant uuid, actor uuid, write_id uuid, request text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF tenant IS NULL OR write_id IS NULL THEN
    RAISE EXCEPTION 'a context needs a tenant and a write';
  END IF;
  EXECUTE format('SET LOCAL app.tenant_id = %L', tenant);
  EXECUTE format('SET LOCAL app.actor_id = %L', coalesce(actor::text, ''));
  EXECUTE format('SET LOCAL app.write_id = %L', write_id);
  EXECUTE format('SET LOCAL app.request_id = %L', coalesce(request, ''));
END $$;

-- After a SET LOCAL ends, the setting is '' and not absent.
CREATE FUNCTION kontor.current_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(current_setting('app.tenant_id', true), '')::uuid
$$;

-- The write this transaction is: a UUIDv7 whose time is the time of all it does.
CREATE FUNCTION kontor.current_write() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(current_setting('app.write_id', true), '')::uuid
$$;

-- Tables ------------------------------------------------------------------------------------

-- Spreads a table over Citus's workers by tenant, or copies it to all of them; on plain
-- PostgreSQL it does nothing. Call it right after CREATE TABLE, parents first.
CREATE FUNCTION kontor.distribute(tbl regclass, reference boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
    IF reference THEN
      EXECUTE format('SELECT create_reference_table(%L)', tbl);
    ELSE
      EXECUTE format('SELECT create_distributed_table(%L, %L)', tbl, 'tenant_id');
    END IF;
  END IF;
END $$;

-- Row level security: exactly one permissive policy. No tenant set means no rows.
CREATE FUNCTION kontor.isolate(tbl regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tbl);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tbl);
  EXECUTE format('CREATE POLICY tenant ON %s USING (tenant_id = kontor.current_tenant()) '
                 'WITH CHECK (tenant_id = kontor.current_tenant())', tbl);
END $$;

-- What a tenant's table needs: isolation, grants, the audit trail, and, where it has a version,
-- the stamp. `secrets` names columns whose values the audit trail never shows.
CREATE FUNCTION kontor.secure(tbl regclass, secrets text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  name text := (SELECT relname FROM pg_class WHERE oid = tbl);
BEGIN
  PERFORM kontor.isolate(tbl);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO kontor_app, kontor_worker', tbl);
  EXECUTE format('CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON %s '
                 'FOR EACH ROW EXECUTE FUNCTION kontor.audit(%L, %L)', tbl, name, secrets);
  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = tbl AND attname = 'version' AND NOT attisdropped) THEN
    EXECUTE format('CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON %s '
                   'FOR EACH ROW EXECUTE FUNCTION kontor.stamp()', tbl);
  END IF;
END $$;

-- Version, created_at and updated_at, so that no statement sets them by hand.
CREATE FUNCTION kontor.stamp() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz := coalesce(kontor.uuid_time(kontor.current_write()), now());
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.version := 1;
    NEW.created_at := coalesce(NEW.created_at, at);
    NEW.updated_at := coalesce(NEW.updated_at, at);
  ELSE
    NEW.version := OLD.version + 1;
    NEW.updated_at := at;
  END IF;
  RETURN NEW;
END $$;

-- Counters ----------------------------------------------------------------------------------

-- One row per tenant and name: document numbers, and the position in the tenant's log.
CREATE TABLE kontor.counters (
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  value bigint NOT NULL,
  CONSTRAINT counters_pkey PRIMARY KEY (tenant_id, name)
);
SELECT kontor.distribute('kontor.counters');
SELECT kontor.isolate('kontor.counters');
GRANT SELECT, INSERT, UPDATE ON kontor.counters TO kontor_app, kontor_worker;

-- Audit -------------------------------------------------------------------------------------

-- Every change of every tenant's table. `at` is the time in write_id; `ordinal` orders the
-- changes of one write. Only the trigger inserts, and nothing updates.
CREATE TABLE kontor.audit_log (
  tenant_id uuid NOT NULL,
  at timestamptz NOT NULL,
  id uuid NOT NULL,
  write_id uuid NOT NULL,
  ordinal bigint NOT NULL,
  actor_id uuid,
  request_id text,
  table_name text NOT NULL,
  record_id uuid NOT NULL,
  action text NOT NULL,
  old jsonb,
  new jsonb,
  CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, at, id),
  -- Changes of rows; then what people do besides.
  CONSTRAINT audit_log_action CHECK (action IN (
    'CREATED', 'UPDATED', 'DELETED',
    'SIGNED_IN', 'SIGN_IN_FAILED', 'SIGNED_OUT', 'SESSION_ENDED', 'PASSWORD_CHANGED', 'UNLOCKED',
    'READ', 'EXPORTED'))
) PARTITION BY RANGE (at);
CREATE TABLE kontor.audit_log_rest PARTITION OF kontor.audit_log DEFAULT;
CREATE INDEX audit_log_record ON kontor.audit_log (tenant_id, record_id, at);
SELECT kontor.distribute('kontor.audit_log');
SELECT kontor.isolate('kontor.audit_log');
GRANT SELECT ON kontor.audit_log TO kontor_app, kontor_worker;

-- Makes the months from the given one on, so that old ones can be dropped whole.
CREATE FUNCTION kontor.audit_months(start date, months int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  month date;
  name text;
BEGIN
  FOR n IN 0..months - 1 LOOP
    month := (date_trunc('month', start) + n * interval '1 month')::date;
    name := 'audit_log_' || to_char(month, '"y"YYYY"m"MM');
    IF to_regclass('kontor.' || name) IS NULL THEN
      EXECUTE format('CREATE TABLE kontor.%I PARTITION OF kontor.audit_log FOR VALUES FROM (%L) TO (%L)',
        name, month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
    END IF;
  END LOOP;
END $$;

-- Arguments: the table's name (on Citus TG_TABLE_NAME is a shard's) and its secret columns;
-- then the column that its records are known by, if that is not `id`.
CREATE FUNCTION kontor.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  write uuid := kontor.current_write();
  record text := coalesce(TG_ARGV[2], 'id');
  at timestamptz;
  ordinal bigint;
  before jsonb;
  after jsonb;
  secret text;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW IS NOT DISTINCT FROM OLD THEN
      RETURN NULL;
    END IF;
    SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(n.key, n.value) INTO before, after
    FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(to_jsonb(NEW)) n ON n.key = o.key
    WHERE n.value IS DISTINCT FROM o.value;
  ELSIF TG_OP = 'INSERT' THEN
    after := jsonb_strip_nulls(to_jsonb(NEW));
  ELSE
    before := jsonb_strip_nulls(to_jsonb(OLD));
  END IF;
  FOREACH secret IN ARRAY TG_ARGV[1]::text[] LOOP
    IF before ? secret THEN before := before || jsonb_build_object(secret, '***'); END IF;
    IF after ? secret THEN after := after || jsonb_build_object(secret, '***'); END IF;
  END LOOP;
  IF write IS NULL THEN
    write := kontor.uuid_v7(now());
  END IF;
  at := kontor.uuid_time(write);
  ordinal := greatest(0, extract(epoch FROM clock_timestamp() - at) * 1000000);
  INSERT INTO kontor.audit_log
    (tenant_id, at, id, write_id, ordinal, actor_id, request_id, table_name, record_id, action, old, new)
  VALUES (
    coalesce(NEW.tenant_id, OLD.tenant_id), at, kontor.uuid_ordered(at, ordinal), write, ordinal,
    nullif(current_setting('app.actor_id', true), '')::uuid,
    nullif(current_setting('app.request_id', true), ''),
    TG_ARGV[0], (coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> record)::uuid,
    CASE TG_OP WHEN 'INSERT' THEN 'CREATED' WHEN 'UPDATE' THEN 'UPDATED' ELSE 'DELETED' END,
    before, after);
  RETURN NULL;
END $$;

-- The log -----------------------------------------------------------------------------------

-- Every committed change has one position in its tenant's log. Whoever follows the log reads
-- it by position and misses nothing.
CREATE TABLE kontor.outbox (
  tenant_id uuid NOT NULL,
  position bigint NOT NULL,
  at timestamptz NOT NULL,
  audit_id uuid NOT NULL,
  table_name text NOT NULL,
  record_id uuid NOT NULL,
  action text NOT NULL,
  actor_id uuid,
  CONSTRAINT outbox_pkey PRIMARY KEY (tenant_id, position)
);
SELECT kontor.distribute('kontor.outbox');
SELECT kontor.isolate('kontor.outbox');
GRANT SELECT ON kontor.outbox TO kontor_app, kontor_worker;

-- The last statement before COMMIT: gives the changes of this write their positions. The
-- counter's row lock is held from here to the commit, so positions appear in order.
CREATE FUNCTION kontor.log_commit(tenant uuid, write uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  moment timestamptz := kontor.uuid_time(write);
  changes bigint;
  last bigint;
BEGIN
  SELECT count(*) INTO changes FROM kontor.audit_log a
  WHERE a.tenant_id = tenant AND a.at = moment AND a.write_id = write;
  IF changes = 0 THEN
    RETURN NULL;
  END IF;
  INSERT INTO kontor.counters AS c (tenant_id, name, value) VALUES (tenant, 'log', changes)
  ON CONFLICT (tenant_id, name) DO UPDATE SET value = c.value + EXCLUDED.value
  RETURNING c.value INTO last;
  INSERT INTO kontor.outbox (tenant_id, position, at, audit_id, table_name, record_id, action, actor_id)
  SELECT tenant, last - changes + row_number() OVER (ORDER BY a.ordinal, a.id),
         a.at, a.id, a.table_name, a.record_id, a.action, a.actor_id
  FROM kontor.audit_log a
  WHERE a.tenant_id = tenant AND a.at = moment AND a.write_id = write;
  RETURN last;
END $$;

-- Idempotency -------------------------------------------------------------------------------

-- What a write with an Idempotency-Key did: ids, or the refusals it answered with.
CREATE TABLE kontor.idempotency_keys (
  tenant_id uuid NOT NULL,
  caller_id uuid NOT NULL,
  key text NOT NULL,
  response_key text NOT NULL,
  body_hash bytea NOT NULL,
  outcome jsonb,
  created_at timestamptz NOT NULL,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, caller_id, key, response_key),
  CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 64)
);
SELECT kontor.distribute('kontor.idempotency_keys');
SELECT kontor.isolate('kontor.idempotency_keys');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.idempotency_keys TO kontor_app, kontor_worker;

-- A SECURITY DEFINER function is called by those it is meant for.
REVOKE ALL ON FUNCTION kontor.log_commit(uuid, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION kontor.audit() FROM PUBLIC;
REVOKE ALL ON FUNCTION kontor.audit_months(date, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.log_commit(uuid, uuid) TO kontor_app, kontor_worker;
