-- What each write runs, without being planned anew each time: a function in SQL that cannot be put
-- into its caller is planned with each call, one in PL/pgSQL once a connection.
CREATE OR REPLACE FUNCTION kontor.uuid_time(id uuid) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN timestamptz 'epoch' + ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
    * interval '1 millisecond';
END $$;

CREATE OR REPLACE FUNCTION kontor.uuid_ordered(at timestamptz, ordinal bigint) RETURNS uuid
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
  o text := lpad(to_hex(least(ordinal, 1099511627775)), 10, '0');
BEGIN
  RETURN (lpad(to_hex(round(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || left(o, 3) || '8' || right(o, 7)
    || right(gen_random_uuid()::text, 8))::uuid;
END $$;

-- It asks a table of many months about one moment: which month is found when it runs, and the plan is
-- kept.
ALTER FUNCTION kontor.log_commit(uuid, uuid) SET plan_cache_mode = force_generic_plan;

-- The open deals of a company, the next to close first.
CREATE INDEX deals_of_company_by_close ON kontor.deals (tenant_id, company_id, stage_kind, close_key, id) WHERE deleted_at IS NULL;
