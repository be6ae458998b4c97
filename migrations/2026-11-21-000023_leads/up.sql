-- Somebody who may become a customer.
CREATE TABLE kontor.leads (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  organisation text,
  organisation_key text GENERATED ALWAYS AS (lower(organisation)) STORED,
  email text,
  email_key text GENERATED ALWAYS AS (lower(email)) STORED,
  -- What stands behind the @, where that is not a provider of mailboxes.
  domain text,
  phone text,
  phone_tail text GENERATED ALWAYS AS (kontor.phone_tail(phone)) STORED,
  source text,
  industry text,
  employees integer,
  country text,
  postal_code text,
  city text,
  status text NOT NULL,
  owner_id uuid,
  territory_id uuid,
  nurture_until date,
  lost_reason text,
  lost_note text,
  reopened integer NOT NULL,
  respond_by timestamptz,
  responded_at timestamptz,
  merged_into_id uuid,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CONSTRAINT leads_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT leads_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kontor.tenants (id),
  CONSTRAINT leads_owner_fkey FOREIGN KEY (tenant_id, owner_id)
    REFERENCES kontor.memberships (tenant_id, user_id),
  CONSTRAINT leads_territory_fkey FOREIGN KEY (tenant_id, territory_id)
    REFERENCES kontor.territories (tenant_id, id),
  CONSTRAINT leads_merged_fkey FOREIGN KEY (tenant_id, merged_into_id)
    REFERENCES kontor.leads (tenant_id, id),
  CONSTRAINT leads_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  CONSTRAINT leads_employees_sense CHECK (employees >= 0),
  CONSTRAINT leads_status CHECK (status IN
    ('NEW', 'WORKING', 'NURTURING', 'QUALIFIED', 'CONVERTED', 'UNQUALIFIED', 'DUPLICATE'))
);
SELECT kontor.distribute('kontor.leads');
SELECT kontor.secure('kontor.leads');
CREATE INDEX leads_by_name ON kontor.leads (tenant_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_created ON kontor.leads (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_updated ON kontor.leads (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_status ON kontor.leads (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_owner ON kontor.leads (tenant_id, owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_territory ON kontor.leads (tenant_id, territory_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_source ON kontor.leads (tenant_id, source, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_email ON kontor.leads (tenant_id, email_key) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_domain ON kontor.leads (tenant_id, domain) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_phone ON kontor.leads (tenant_id, phone_tail) WHERE deleted_at IS NULL;
CREATE INDEX leads_search ON kontor.leads USING gin
  (tenant_id kontor.uuid_ops, name_key kontor.gin_trgm_ops, organisation_key kontor.gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE INDEX leads_deleted ON kontor.leads (tenant_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

-- What became of a lead, once.
CREATE TABLE kontor.lead_conversions (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  lead_id uuid NOT NULL,
  company_id uuid,
  contact_id uuid,
  deal_id uuid,
  at timestamptz NOT NULL,
  CONSTRAINT lead_conversions_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT lead_conversions_once UNIQUE (tenant_id, lead_id),
  CONSTRAINT lead_conversions_lead_fkey FOREIGN KEY (tenant_id, lead_id)
    REFERENCES kontor.leads (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT lead_conversions_company_fkey FOREIGN KEY (tenant_id, company_id)
    REFERENCES kontor.companies (tenant_id, id),
  CONSTRAINT lead_conversions_contact_fkey FOREIGN KEY (tenant_id, contact_id)
    REFERENCES kontor.contacts (tenant_id, id),
  CONSTRAINT lead_conversions_deal_fkey FOREIGN KEY (tenant_id, deal_id)
    REFERENCES kontor.deals (tenant_id, id)
);
SELECT kontor.distribute('kontor.lead_conversions');
SELECT kontor.secure('kontor.lead_conversions');
CREATE INDEX lead_conversions_by_company ON kontor.lead_conversions (tenant_id, company_id);
CREATE INDEX lead_conversions_by_contact ON kontor.lead_conversions (tenant_id, contact_id);
CREATE INDEX lead_conversions_by_deal ON kontor.lead_conversions (tenant_id, deal_id);
