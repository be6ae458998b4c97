ALTER FUNCTION kontor.found_in_companies(text, text, tsquery, text) RESET plan_cache_mode;
ALTER FUNCTION kontor.found_in_contacts(text, text, tsquery, text) RESET plan_cache_mode;
ALTER FUNCTION kontor.found_in_leads(text, text, tsquery, text) RESET plan_cache_mode;
ALTER FUNCTION kontor.found_in_deals(text, text, tsquery, text) RESET plan_cache_mode;
ALTER FUNCTION kontor.found_in_activities(text, text, tsquery, text) RESET plan_cache_mode;
DROP INDEX kontor.companies_by_owner;
CREATE INDEX companies_by_owner ON kontor.companies (tenant_id, owner_id, name_key, id) WHERE deleted_at IS NULL;
