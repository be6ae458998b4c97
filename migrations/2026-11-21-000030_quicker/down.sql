DROP INDEX kontor.deals_of_company_by_close;

ALTER FUNCTION kontor.log_commit(uuid, uuid) RESET plan_cache_mode;

CREATE OR REPLACE FUNCTION kontor.uuid_ordered(at timestamptz, ordinal bigint) RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$
  SELECT (left(replace(kontor.uuid_v7(at)::text, '-', ''), 12) || '7' || left(o, 3) || '8' || right(o, 7)
          || right(gen_random_uuid()::text, 8))::uuid
  FROM (SELECT lpad(to_hex(least(ordinal, 1099511627775)), 10, '0') AS o) AS number
$$;

CREATE OR REPLACE FUNCTION kontor.uuid_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT timestamptz 'epoch' + ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
         * interval '1 millisecond'
$$;
