DROP INDEX kontor.companies_by_owner;
CREATE INDEX companies_by_owner ON kontor.companies (tenant_id, owner_id, name_key, id) WHERE deleted_at IS NULL;
