-- What each write runs, again lighter. The moment of a UUIDv7 is computed in terms that PostgreSQL can
-- put into whoever asks; so it may not be STRICT, and to_timestamp is immutable where adding an
-- interval is not.
CREATE OR REPLACE FUNCTION kontor.uuid_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS $$
  SELECT to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0::float8)
$$;

-- A record is turned into JSON once, and the id of an entry begins as its write does.
CREATE OR REPLACE FUNCTION kontor.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  write uuid := coalesce(kontor.current_write(), kontor.uuid_v7(now()));
  at timestamptz := kontor.uuid_time(write);
  ordinal bigint := greatest(0, extract(epoch FROM clock_timestamp() - at) * 1000000);
  o text := lpad(to_hex(least(ordinal, 1099511627775)), 10, '0');
  record jsonb;
  before jsonb;
  after jsonb;
  secret text;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW IS NOT DISTINCT FROM OLD THEN
      RETURN NULL;
    END IF;
    record := to_jsonb(NEW);
    SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(n.key, n.value) INTO before, after
    FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(record) n ON n.key = o.key
    WHERE n.value IS DISTINCT FROM o.value;
  ELSIF TG_OP = 'INSERT' THEN
    record := to_jsonb(NEW);
    after := jsonb_strip_nulls(record);
  ELSE
    record := to_jsonb(OLD);
    before := jsonb_strip_nulls(record);
  END IF;
  IF TG_ARGV[1] <> '{}' THEN
    FOREACH secret IN ARRAY TG_ARGV[1]::text[] LOOP
      IF before ? secret THEN before := before || jsonb_build_object(secret, '***'); END IF;
      IF after ? secret THEN after := after || jsonb_build_object(secret, '***'); END IF;
    END LOOP;
  END IF;
  INSERT INTO kontor.audit_log
    (tenant_id, at, id, write_id, ordinal, actor_id, request_id, table_name, record_id, action, old, new)
  VALUES (
    (record ->> 'tenant_id')::uuid, at,
    (left(write::text, 14) || '7' || left(o, 3) || '8' || right(o, 7) || right(gen_random_uuid()::text, 8))::uuid,
    write, ordinal,
    nullif(current_setting('app.actor_id', true), '')::uuid,
    nullif(current_setting('app.request_id', true), ''),
    TG_ARGV[0], (record ->> coalesce(TG_ARGV[2], 'id'))::uuid,
    CASE TG_OP WHEN 'INSERT' THEN 'CREATED' WHEN 'UPDATE' THEN 'UPDATED' ELSE 'DELETED' END,
    before, after);
  RETURN NULL;
END $$;

-- The companies that somebody looks after by what they do: for whatever belongs to those.
CREATE INDEX companies_by_owner_and_industry ON kontor.companies (tenant_id, owner_id, industry, id) WHERE deleted_at IS NULL;

-- Again what 000045 says: a database may have that migration as it was before it said so.
ALTER FUNCTION kontor.found_in_companies(text, text, tsquery, text) SET plan_cache_mode = auto;
ALTER FUNCTION kontor.found_in_contacts(text, text, tsquery, text) SET plan_cache_mode = auto;
ALTER FUNCTION kontor.found_in_leads(text, text, tsquery, text) SET plan_cache_mode = auto;
ALTER FUNCTION kontor.found_in_deals(text, text, tsquery, text) SET plan_cache_mode = auto;
ALTER FUNCTION kontor.found_in_activities(text, text, tsquery, text) SET plan_cache_mode = auto;
