-- Those of one's companies that are of an industry, a country, a territory: told from the index, without
-- reading each company.
DROP INDEX kontor.companies_by_owner;
CREATE INDEX companies_by_owner ON kontor.companies (tenant_id, owner_id, name_key, id)
  INCLUDE (industry, country, territory_id) WHERE deleted_at IS NULL;
