CREATE TABLE kontor.companies (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  domain text,
  industry text,
  phone text,
  city text,
  country text,
  annual_revenue numeric(18, 3),
  annual_revenue_currency text,
  owner_id uuid,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CONSTRAINT companies_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT companies_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kontor.tenants (id),
  CONSTRAINT companies_owner_fkey FOREIGN KEY (tenant_id, owner_id)
    REFERENCES kontor.memberships (tenant_id, user_id),
  CONSTRAINT companies_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  CONSTRAINT companies_annual_revenue_pair
    CHECK ((annual_revenue IS NULL) = (annual_revenue_currency IS NULL)),
  CONSTRAINT companies_annual_revenue_currency_form CHECK (annual_revenue_currency ~ '^[A-Z]{3}$')
);
SELECT kontor.distribute('kontor.companies');
SELECT kontor.secure('kontor.companies');

-- A deleted company never blocks its successor.
CREATE UNIQUE INDEX companies_domain_key ON kontor.companies (tenant_id, domain) WHERE deleted_at IS NULL;

-- One per way to sort a list; the tenant first, the id last.
CREATE INDEX companies_by_name ON kontor.companies (tenant_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_by_created ON kontor.companies (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_by_updated ON kontor.companies (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
-- One per filter, in the default order.
CREATE INDEX companies_by_industry ON kontor.companies (tenant_id, industry, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_by_country ON kontor.companies (tenant_id, country, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_by_owner ON kontor.companies (tenant_id, owner_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_search ON kontor.companies
  USING gin (tenant_id kontor.uuid_ops, name_key kontor.gin_trgm_ops) WHERE deleted_at IS NULL;
