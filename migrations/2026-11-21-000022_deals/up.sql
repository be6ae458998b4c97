-- What one of a currency was worth in the tenant's own, from a day on.
CREATE TABLE kontor.currency_rates (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  currency text NOT NULL,
  valid_from date NOT NULL,
  rate numeric(18, 8) NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT currency_rates_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT currency_rates_once UNIQUE (tenant_id, currency, valid_from),
  CONSTRAINT currency_rates_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT currency_rates_sense CHECK (rate > 0)
);
SELECT kontor.distribute('kontor.currency_rates');
SELECT kontor.secure('kontor.currency_rates');
CREATE INDEX currency_rates_by_day ON kontor.currency_rates (tenant_id, valid_from, id);

-- How a tenant sells. No row: as the product comes.
CREATE TABLE kontor.sales_settings (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  -- May a deal be won that has no accepted quote?
  won_without_quote boolean NOT NULL DEFAULT true,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT sales_settings_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT sales_settings_once UNIQUE (tenant_id)
);
SELECT kontor.distribute('kontor.sales_settings');
SELECT kontor.secure('kontor.sales_settings');

CREATE TABLE kontor.pipelines (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  position integer NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CONSTRAINT pipelines_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT pipelines_name_length CHECK (char_length(name) BETWEEN 1 AND 100)
);
SELECT kontor.distribute('kontor.pipelines');
SELECT kontor.secure('kontor.pipelines');
CREATE UNIQUE INDEX pipelines_name_key ON kontor.pipelines (tenant_id, name_key) WHERE deleted_at IS NULL;

CREATE TABLE kontor.stages (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  pipeline_id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  position integer NOT NULL,
  kind text NOT NULL,
  probability integer NOT NULL,
  -- What a deal needs to come here.
  required_fields text[] NOT NULL,
  -- How long a deal may stay here before it counts as stuck.
  max_days integer,
  -- May the stage be left out on the way ahead?
  allow_skip boolean NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CONSTRAINT stages_pkey PRIMARY KEY (tenant_id, id),
  -- So that a deal's stage is one of its pipeline's.
  CONSTRAINT stages_of_pipeline UNIQUE (tenant_id, pipeline_id, id),
  CONSTRAINT stages_pipeline_fkey FOREIGN KEY (tenant_id, pipeline_id)
    REFERENCES kontor.pipelines (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT stages_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
  CONSTRAINT stages_kind CHECK (kind IN ('OPEN', 'ON_HOLD', 'WON', 'LOST')),
  CONSTRAINT stages_required_fields CHECK (array_position(required_fields, NULL) IS NULL AND required_fields
    <@ ARRAY['AMOUNT', 'COMPANY', 'CONTACT', 'EXPECTED_CLOSE_ON', 'OWNER', 'TERRITORY']),
  CONSTRAINT stages_probability_sense CHECK (probability BETWEEN 0 AND 100),
  CONSTRAINT stages_max_days_sense CHECK (max_days > 0)
);
SELECT kontor.distribute('kontor.stages');
SELECT kontor.secure('kontor.stages');
CREATE UNIQUE INDEX stages_name_key ON kontor.stages (tenant_id, pipeline_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX stages_by_position ON kontor.stages (tenant_id, pipeline_id, position, id) WHERE deleted_at IS NULL;

CREATE TABLE kontor.deals (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  company_id uuid,
  contact_id uuid,
  owner_id uuid,
  territory_id uuid,
  pipeline_id uuid NOT NULL,
  stage_id uuid NOT NULL,
  -- What the stage is, so that lists of open deals need no join.
  stage_kind text NOT NULL,
  amount numeric(18, 3),
  amount_currency text,
  probability integer NOT NULL,
  -- Said by somebody; else it is the stage's.
  probability_set boolean NOT NULL,
  forecast text NOT NULL,
  expected_close_on date,
  -- To sort by: what has none comes last.
  close_key date NOT NULL GENERATED ALWAYS AS (coalesce(expected_close_on, '9999-12-31'::date)) STORED,
  amount_key numeric(18, 3) NOT NULL GENERATED ALWAYS AS (coalesce(amount, 0)) STORED,
  closed_at timestamptz,
  lost_reason text,
  hold_until date,
  reopened integer NOT NULL,
  stage_since timestamptz NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CONSTRAINT deals_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT deals_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kontor.tenants (id),
  CONSTRAINT deals_company_fkey FOREIGN KEY (tenant_id, company_id)
    REFERENCES kontor.companies (tenant_id, id),
  CONSTRAINT deals_contact_fkey FOREIGN KEY (tenant_id, contact_id)
    REFERENCES kontor.contacts (tenant_id, id),
  CONSTRAINT deals_owner_fkey FOREIGN KEY (tenant_id, owner_id)
    REFERENCES kontor.memberships (tenant_id, user_id),
  CONSTRAINT deals_territory_fkey FOREIGN KEY (tenant_id, territory_id)
    REFERENCES kontor.territories (tenant_id, id),
  CONSTRAINT deals_stage_fkey FOREIGN KEY (tenant_id, pipeline_id, stage_id)
    REFERENCES kontor.stages (tenant_id, pipeline_id, id),
  CONSTRAINT deals_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  CONSTRAINT deals_stage_kind CHECK (stage_kind IN ('OPEN', 'ON_HOLD', 'WON', 'LOST')),
  CONSTRAINT deals_amount_pair CHECK ((amount IS NULL) = (amount_currency IS NULL)),
  CONSTRAINT deals_amount_currency_form CHECK (amount_currency ~ '^[A-Z]{3}$'),
  CONSTRAINT deals_probability_sense CHECK (probability BETWEEN 0 AND 100),
  CONSTRAINT deals_forecast CHECK (forecast IN ('PIPELINE', 'BEST_CASE', 'COMMIT', 'CLOSED', 'OMITTED'))
);
SELECT kontor.distribute('kontor.deals');
SELECT kontor.secure('kontor.deals');
CREATE INDEX deals_by_name ON kontor.deals (tenant_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_created ON kontor.deals (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_updated ON kontor.deals (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_company ON kontor.deals (tenant_id, company_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_contact ON kontor.deals (tenant_id, contact_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_owner ON kontor.deals (tenant_id, owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_territory ON kontor.deals (tenant_id, territory_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_stage ON kontor.deals (tenant_id, stage_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_pipeline ON kontor.deals (tenant_id, pipeline_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_kind ON kontor.deals (tenant_id, stage_kind, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_close ON kontor.deals (tenant_id, close_key, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_by_amount ON kontor.deals (tenant_id, amount_key, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_search ON kontor.deals
  USING gin (tenant_id kontor.uuid_ops, name_key kontor.gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE INDEX deals_deleted ON kontor.deals (tenant_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

-- How a deal came to where it is.
CREATE TABLE kontor.stage_changes (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  deal_id uuid NOT NULL,
  from_stage_id uuid,
  to_stage_id uuid NOT NULL,
  at timestamptz NOT NULL,
  by_id uuid,
  reason text,
  seconds_in_previous integer,
  CONSTRAINT stage_changes_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT stage_changes_deal_fkey FOREIGN KEY (tenant_id, deal_id)
    REFERENCES kontor.deals (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT stage_changes_from_fkey FOREIGN KEY (tenant_id, from_stage_id)
    REFERENCES kontor.stages (tenant_id, id),
  CONSTRAINT stage_changes_to_fkey FOREIGN KEY (tenant_id, to_stage_id)
    REFERENCES kontor.stages (tenant_id, id)
);
SELECT kontor.distribute('kontor.stage_changes');
SELECT kontor.secure('kontor.stage_changes');
CREATE INDEX stage_changes_by_deal ON kontor.stage_changes (tenant_id, deal_id, at, id);
