-- Whose rules give points that get less from day to day: ids and nothing else, across tenants.
CREATE FUNCTION kontor.tenants_with_ageing_scores() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT tenant_id FROM kontor.score_rules WHERE half_life_days IS NOT NULL
$$;
REVOKE ALL ON FUNCTION kontor.tenants_with_ageing_scores() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.tenants_with_ageing_scores() TO kontor_app, kontor_worker;
