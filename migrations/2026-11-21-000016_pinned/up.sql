-- What runs as the owner finds its names in the system's schema first, and never in a temporary
-- one: whoever may make temporary things could otherwise put theirs in the place of a type.
DO $$
DECLARE
  one regprocedure;
BEGIN
  FOR one IN
    SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'kontor'::regnamespace AND p.prosecdef
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', one);
  END LOOP;
END $$;

-- A write logs itself, and no other.
CREATE OR REPLACE FUNCTION kontor.log_commit(tenant uuid, write uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moment timestamptz := kontor.uuid_time(write);
  changes bigint;
  last bigint;
BEGIN
  IF tenant IS DISTINCT FROM kontor.current_tenant() OR write IS DISTINCT FROM kontor.current_write() THEN
    RAISE EXCEPTION 'a write logs itself, and no other';
  END IF;
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

-- Seals count from one: whoever looks at them looks at all.
ALTER TABLE kontor.audit_seals ADD CONSTRAINT audit_seals_number CHECK (number > 0);
