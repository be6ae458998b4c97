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
CREATE INDEX leads_by_country ON kontor.leads (tenant_id, country, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_nurture ON kontor.leads (tenant_id, nurture_until, id) WHERE deleted_at IS NULL AND status = 'NURTURING';
CREATE INDEX leads_merged ON kontor.leads (tenant_id, merged_into_id) WHERE merged_into_id IS NOT NULL;
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

-- What was found to be the same, or alike, when a lead was made.
CREATE TABLE kontor.lead_links (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  lead_id uuid NOT NULL,
  other_lead_id uuid,
  contact_id uuid,
  company_id uuid,
  reason text NOT NULL,
  similarity integer NOT NULL,
  CONSTRAINT lead_links_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT lead_links_lead_fkey FOREIGN KEY (tenant_id, lead_id)
    REFERENCES kontor.leads (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT lead_links_other_fkey FOREIGN KEY (tenant_id, other_lead_id)
    REFERENCES kontor.leads (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT lead_links_contact_fkey FOREIGN KEY (tenant_id, contact_id)
    REFERENCES kontor.contacts (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT lead_links_company_fkey FOREIGN KEY (tenant_id, company_id)
    REFERENCES kontor.companies (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT lead_links_one CHECK (num_nonnulls(other_lead_id, contact_id, company_id) = 1),
  CONSTRAINT lead_links_reason CHECK (reason IN ('EMAIL', 'PHONE', 'NAME', 'DOMAIN'))
);
SELECT kontor.distribute('kontor.lead_links');
SELECT kontor.secure('kontor.lead_links');
CREATE INDEX lead_links_by_lead ON kontor.lead_links (tenant_id, lead_id);
CREATE INDEX lead_links_by_other ON kontor.lead_links (tenant_id, other_lead_id);
CREATE INDEX lead_links_by_contact ON kontor.lead_links (tenant_id, contact_id);
CREATE INDEX lead_links_by_company ON kontor.lead_links (tenant_id, company_id);

-- Which lead was another one, and what it gave away: so that it can be undone.
CREATE TABLE kontor.lead_merges (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  lead_id uuid NOT NULL,
  into_id uuid NOT NULL,
  status_before text NOT NULL,
  filled jsonb NOT NULL,
  moved uuid[] NOT NULL,
  at timestamptz NOT NULL,
  CONSTRAINT lead_merges_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT lead_merges_once UNIQUE (tenant_id, lead_id),
  CONSTRAINT lead_merges_lead_fkey FOREIGN KEY (tenant_id, lead_id)
    REFERENCES kontor.leads (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT lead_merges_into_fkey FOREIGN KEY (tenant_id, into_id)
    REFERENCES kontor.leads (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.lead_merges');
SELECT kontor.secure('kontor.lead_merges');
CREATE INDEX lead_merges_by_into ON kontor.lead_merges (tenant_id, into_id);

-- What makes a lead a good one: what its fields say, or what happened with it.
CREATE TABLE kontor.score_rules (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  field text,
  operator text,
  value text,
  event text,
  direction text,
  points integer NOT NULL,
  half_life_days integer,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT score_rules_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT score_rules_name_key UNIQUE (tenant_id, name_key),
  CONSTRAINT score_rules_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
  CONSTRAINT score_rules_about_one CHECK (num_nonnulls(field, event) = 1),
  CONSTRAINT score_rules_points CHECK (points BETWEEN -50 AND 50),
  CONSTRAINT score_rules_half_life CHECK (half_life_days BETWEEN 1 AND 3650)
);
SELECT kontor.distribute('kontor.score_rules');
SELECT kontor.secure('kontor.score_rules');

-- Known by the lead's id, apart from it: a score is no change of the lead.
CREATE TABLE kontor.lead_scores (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  score integer NOT NULL,
  grade text NOT NULL,
  parts jsonb NOT NULL,
  computed_at timestamptz NOT NULL,
  CONSTRAINT lead_scores_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT lead_scores_lead_fkey FOREIGN KEY (tenant_id, id)
    REFERENCES kontor.leads (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT lead_scores_sense CHECK (score BETWEEN 0 AND 100),
  CONSTRAINT lead_scores_grade CHECK (grade IN ('A', 'B', 'C', 'D'))
);
SELECT kontor.distribute('kontor.lead_scores');
SELECT kontor.isolate('kontor.lead_scores');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.lead_scores TO kontor_app, kontor_worker;
CREATE INDEX lead_scores_by_score ON kontor.lead_scores (tenant_id, score, id);

-- How a tenant wants its leads handled. Without a row: as is usual.
CREATE TABLE kontor.lead_settings (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  respond_within_hours integer NOT NULL,
  minimum_score integer,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT lead_settings_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT lead_settings_once UNIQUE (tenant_id),
  CONSTRAINT lead_settings_hours CHECK (respond_within_hours BETWEEN 1 AND 8760),
  CONSTRAINT lead_settings_score CHECK (minimum_score BETWEEN 0 AND 100)
);
SELECT kontor.distribute('kontor.lead_settings');
SELECT kontor.secure('kontor.lead_settings');

-- Who takes on leads now, and how many open ones at most.
ALTER TABLE kontor.territory_members
  ADD COLUMN present boolean NOT NULL DEFAULT true,
  ADD COLUMN lead_cap integer,
  ADD CONSTRAINT territory_members_lead_cap_sense CHECK (lead_cap >= 0);

-- Whose turn was last, by the territory's id. Whoever assigns holds the row.
CREATE TABLE kontor.territory_turns (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  last_user_id uuid,
  CONSTRAINT territory_turns_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT territory_turns_territory_fkey FOREIGN KEY (tenant_id, id)
    REFERENCES kontor.territories (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.territory_turns');
SELECT kontor.isolate('kontor.territory_turns');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.territory_turns TO kontor_app, kontor_worker;
