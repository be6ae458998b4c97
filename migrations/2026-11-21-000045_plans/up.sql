-- Those of one's companies that are of an industry, a country, a territory: told from the index, without
-- reading each company.
DROP INDEX kontor.companies_by_owner;
CREATE INDEX companies_by_owner ON kontor.companies (tenant_id, owner_id, name_key, id)
  INCLUDE (industry, country, territory_id) WHERE deleted_at IS NULL;

-- Connections plan a statement once. What looks for a pattern is planned by it, as in lists.
ALTER FUNCTION kontor.found_in_companies(text, text, tsquery, text) SET plan_cache_mode = auto;
ALTER FUNCTION kontor.found_in_contacts(text, text, tsquery, text) SET plan_cache_mode = auto;
ALTER FUNCTION kontor.found_in_leads(text, text, tsquery, text) SET plan_cache_mode = auto;
ALTER FUNCTION kontor.found_in_deals(text, text, tsquery, text) SET plan_cache_mode = auto;
ALTER FUNCTION kontor.found_in_activities(text, text, tsquery, text) SET plan_cache_mode = auto;
