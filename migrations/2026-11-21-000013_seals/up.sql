-- The audit trail is sealed: what was written down can be proven to be what is there.

-- Batches of a tenant's entries, in the order of its log, each chained to the one before it. The
-- seal is made with a key that the database does not have in the clear; who has the database alone
-- cannot make one. RETIRED is a seal too: from then on entries before `cutoff` may be gone.
CREATE TABLE kontor.audit_seals (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  number bigint NOT NULL,
  kind text NOT NULL,
  first_position bigint NOT NULL,
  last_position bigint NOT NULL,
  entries uuid[] NOT NULL,
  -- Sixteen bytes for each entry, so that the one that was touched can be named.
  leaves bytea NOT NULL,
  cutoff timestamptz,
  key_id uuid NOT NULL,
  previous bytea NOT NULL,
  seal bytea NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT audit_seals_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT audit_seals_number_key UNIQUE (tenant_id, number),
  CONSTRAINT audit_seals_kind CHECK (kind IN ('ENTRIES', 'RETIRED'))
);
SELECT kontor.distribute('kontor.audit_seals');
SELECT kontor.isolate('kontor.audit_seals');
GRANT SELECT, INSERT ON kontor.audit_seals TO kontor_app, kontor_worker;

-- Whose log is longer than what is sealed of it: ids and nothing else, across tenants. The counter
-- "sealed" is a hint; the seals themselves say how far they go.
CREATE FUNCTION kontor.tenants_to_seal(most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT l.tenant_id FROM kontor.counters l
  LEFT JOIN kontor.counters s ON s.tenant_id = l.tenant_id AND s.name = 'sealed'
  WHERE l.name = 'log' AND l.value > coalesce(s.value, 0)
  LIMIT most
$$;
REVOKE ALL ON FUNCTION kontor.tenants_to_seal(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.tenants_to_seal(integer) TO kontor_app, kontor_worker;

-- Whose trail reaches back further than this.
CREATE FUNCTION kontor.tenants_with_trail_before(cutoff timestamptz) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT DISTINCT tenant_id FROM kontor.audit_log WHERE at < cutoff
$$;
REVOKE ALL ON FUNCTION kontor.tenants_with_trail_before(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.tenants_with_trail_before(timestamptz) TO kontor_app, kontor_worker;

-- Drops what is older than `oldest`: whole months of the trail, their places in the log, and the
-- seals but the last of them, which the next one is chained to. Nobody drops the last year.
CREATE FUNCTION kontor.retire_trail(oldest timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  month record;
  gone bigint := 0;
  these bigint;
BEGIN
  IF oldest > now() - interval '12 months' THEN
    RAISE EXCEPTION 'the last year of the trail stays';
  END IF;
  FOR month IN
    SELECT c.oid::regclass AS name, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'kontor.audit_log'::regclass AND c.relname ~ '^audit_log_y\d{4}m\d{2}$'
      AND to_date(substring(c.relname FROM 'y(\d{4})'), 'YYYY')
        + (substring(c.relname FROM 'm(\d{2})$')::int) * interval '1 month'
        <= oldest AT TIME ZONE 'UTC'
  LOOP
    EXECUTE format('SELECT count(*) FROM %s', month.name) INTO these;
    gone := gone + these;
    EXECUTE format('DROP TABLE %s', month.name);
  END LOOP;
  DELETE FROM kontor.audit_log_rest WHERE at < oldest;
  GET DIAGNOSTICS these = ROW_COUNT;
  DELETE FROM kontor.outbox WHERE at < oldest;
  DELETE FROM kontor.audit_seals s WHERE s.created_at < oldest AND s.number < (
    SELECT max(o.number) FROM kontor.audit_seals o
    WHERE o.tenant_id = s.tenant_id AND o.created_at < oldest);
  RETURN gone + these;
END $$;
REVOKE ALL ON FUNCTION kontor.retire_trail(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.retire_trail(timestamptz) TO kontor_app, kontor_worker;

-- What the operator's commands wrote before they had places in the log gets them now.
WITH missing AS (
  SELECT a.*, row_number() OVER (PARTITION BY a.tenant_id ORDER BY a.at, a.ordinal, a.id) AS n
  FROM kontor.audit_log a
  WHERE NOT EXISTS (
    SELECT FROM kontor.outbox o WHERE o.tenant_id = a.tenant_id AND o.audit_id = a.id)
), counted AS (
  INSERT INTO kontor.counters AS c (tenant_id, name, value)
  SELECT tenant_id, 'log', count(*) FROM missing GROUP BY tenant_id
  ON CONFLICT (tenant_id, name) DO UPDATE SET value = c.value + EXCLUDED.value
  RETURNING c.tenant_id, c.value
)
INSERT INTO kontor.outbox (tenant_id, position, at, audit_id, table_name, record_id, action, actor_id)
SELECT m.tenant_id, c.value - (SELECT count(*) FROM missing o WHERE o.tenant_id = m.tenant_id) + m.n,
       m.at, m.id, m.table_name, m.record_id, m.action, m.actor_id
FROM missing m JOIN counted c ON c.tenant_id = m.tenant_id;

-- Sessions that ended long ago go too, and their refresh tokens with them.
CREATE OR REPLACE FUNCTION kontor.upkeep(moment timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  gone bigint := 0;
  these bigint;
BEGIN
  PERFORM kontor.audit_months((moment AT TIME ZONE 'UTC')::date, 13);
  -- A repeat is known for a day.
  DELETE FROM kontor.idempotency_keys WHERE created_at < moment - interval '2 days';
  GET DIAGNOSTICS these = ROW_COUNT;
  gone := gone + these;
  -- A failure is forgotten after a quiet day.
  DELETE FROM kontor.sign_in_attempts WHERE last_at < moment - interval '2 days' AND blocked_until < moment;
  GET DIAGNOSTICS these = ROW_COUNT;
  gone := gone + these;
  DELETE FROM kontor.password_resets WHERE expires_at < moment - interval '1 day';
  GET DIAGNOSTICS these = ROW_COUNT;
  gone := gone + these;
  DELETE FROM kontor.sessions WHERE least(ended_at, expires_at) < moment - interval '90 days';
  GET DIAGNOSTICS these = ROW_COUNT;
  gone := gone + these;
  -- What failed for good stays for a person to look at.
  DELETE FROM kontor.jobs WHERE finished_at < moment
    - CASE state WHEN 'DONE' THEN interval '7 days' ELSE interval '90 days' END;
  GET DIAGNOSTICS these = ROW_COUNT;
  RETURN gone + these;
END $$;
