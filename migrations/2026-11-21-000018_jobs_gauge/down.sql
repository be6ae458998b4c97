DROP FUNCTION kontor.jobs_of_all_tenants(timestamptz);
DROP INDEX kontor.jobs_dead;
