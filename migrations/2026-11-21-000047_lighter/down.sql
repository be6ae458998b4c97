DROP INDEX kontor.companies_by_owner_and_industry;

CREATE OR REPLACE FUNCTION kontor.uuid_time(id uuid) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN timestamptz 'epoch' + ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
    * interval '1 millisecond';
END $$;

CREATE OR REPLACE FUNCTION kontor.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
