-- What of a telephone number is the same in every notation: its last eight digits.
CREATE FUNCTION kontor.phone_tail(phone text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT nullif(right(regexp_replace(phone, '[^0-9]', '', 'g'), 8), '')
$$;

ALTER TABLE kontor.companies
  ADD COLUMN postal_code text,
  ADD COLUMN employees integer,
  ADD COLUMN territory_id uuid,
  ADD COLUMN phone_tail text GENERATED ALWAYS AS (kontor.phone_tail(phone)) STORED,
  ADD CONSTRAINT companies_territory_fkey FOREIGN KEY (tenant_id, territory_id)
    REFERENCES kontor.territories (tenant_id, id),
  ADD CONSTRAINT companies_employees_sense CHECK (employees >= 0);
CREATE INDEX companies_by_territory ON kontor.companies (tenant_id, territory_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_by_phone ON kontor.companies (tenant_id, phone_tail) WHERE deleted_at IS NULL;
-- The bin, the newest on top.
CREATE INDEX companies_deleted ON kontor.companies (tenant_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE TABLE kontor.contacts (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  first_name text,
  last_name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(last_name || coalesce(' ' || first_name, ''))) STORED,
  email text,
  email_key text GENERATED ALWAYS AS (lower(email)) STORED,
  phone text,
  phone_tail text GENERATED ALWAYS AS (kontor.phone_tail(phone)) STORED,
  title text,
  company_id uuid,
  owner_id uuid,
  territory_id uuid,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CONSTRAINT contacts_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT contacts_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kontor.tenants (id),
  CONSTRAINT contacts_company_fkey FOREIGN KEY (tenant_id, company_id)
    REFERENCES kontor.companies (tenant_id, id),
  CONSTRAINT contacts_owner_fkey FOREIGN KEY (tenant_id, owner_id)
    REFERENCES kontor.memberships (tenant_id, user_id),
  CONSTRAINT contacts_territory_fkey FOREIGN KEY (tenant_id, territory_id)
    REFERENCES kontor.territories (tenant_id, id),
  CONSTRAINT contacts_last_name_length CHECK (char_length(last_name) BETWEEN 1 AND 100)
);
SELECT kontor.distribute('kontor.contacts');
SELECT kontor.secure('kontor.contacts');

-- A deleted contact never blocks its successor.
CREATE UNIQUE INDEX contacts_email_key ON kontor.contacts (tenant_id, email_key) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_name ON kontor.contacts (tenant_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_created ON kontor.contacts (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_updated ON kontor.contacts (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_company ON kontor.contacts (tenant_id, company_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_owner ON kontor.contacts (tenant_id, owner_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_territory ON kontor.contacts (tenant_id, territory_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_phone ON kontor.contacts (tenant_id, phone_tail) WHERE deleted_at IS NULL;
CREATE INDEX contacts_search ON kontor.contacts
  USING gin (tenant_id kontor.uuid_ops, name_key kontor.gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE INDEX contacts_deleted ON kontor.contacts (tenant_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
