-- How many jobs are not done, of all tenants together: numbers and nothing else, without locks. Each
-- is counted in an index that has only such jobs. A function of the owner's, so that the server needs
-- no login that sees more than one tenant.
CREATE INDEX jobs_dead ON kontor.jobs (tenant_id) WHERE state = 'DEAD';
CREATE FUNCTION kontor.jobs_of_all_tenants(
  moment timestamptz, OUT due bigint, OUT later bigint, OUT leased bigint, OUT dead bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT ready.due, ready.later,
    (SELECT count(*) FROM kontor.jobs WHERE state = 'LEASED'),
    (SELECT count(*) FROM kontor.jobs WHERE state = 'DEAD')
  FROM (
    SELECT count(*) FILTER (WHERE due_at <= moment) AS due, count(*) FILTER (WHERE due_at > moment) AS later
    FROM kontor.jobs WHERE state = 'READY'
  ) ready
$$;
REVOKE ALL ON FUNCTION kontor.jobs_of_all_tenants(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.jobs_of_all_tenants(timestamptz) TO kontor_app, kontor_worker;
