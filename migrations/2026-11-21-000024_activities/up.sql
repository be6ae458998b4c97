-- What was done and what is to be done, about one record each.
CREATE TABLE kontor.activities (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  subject_key text NOT NULL GENERATED ALWAYS AS (lower(subject)) STORED,
  body text,
  -- Of calls and e-mails: from us or to us.
  direction text,
  duration_seconds integer,
  due_at timestamptz,
  done_at timestamptz,
  -- When it counts: when it was done, is due, or was written down.
  at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(done_at, due_at, created_at)) STORED,
  author_id uuid,
  owner_id uuid,
  company_id uuid,
  contact_id uuid,
  lead_id uuid,
  deal_id uuid,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CONSTRAINT activities_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT activities_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kontor.tenants (id),
  CONSTRAINT activities_owner_fkey FOREIGN KEY (tenant_id, owner_id)
    REFERENCES kontor.memberships (tenant_id, user_id),
  CONSTRAINT activities_company_fkey FOREIGN KEY (tenant_id, company_id)
    REFERENCES kontor.companies (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT activities_contact_fkey FOREIGN KEY (tenant_id, contact_id)
    REFERENCES kontor.contacts (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT activities_lead_fkey FOREIGN KEY (tenant_id, lead_id)
    REFERENCES kontor.leads (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT activities_deal_fkey FOREIGN KEY (tenant_id, deal_id)
    REFERENCES kontor.deals (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT activities_about_one CHECK (num_nonnulls(company_id, contact_id, lead_id, deal_id) = 1),
  CONSTRAINT activities_subject_length CHECK (char_length(subject) BETWEEN 1 AND 300),
  CONSTRAINT activities_kind CHECK (kind IN ('NOTE', 'TASK', 'CALL', 'MEETING', 'EMAIL')),
  CONSTRAINT activities_direction CHECK (direction IN ('INBOUND', 'OUTBOUND')),
  CONSTRAINT activities_duration_sense CHECK (duration_seconds >= 0)
);
SELECT kontor.distribute('kontor.activities');
SELECT kontor.secure('kontor.activities');
CREATE INDEX activities_by_at ON kontor.activities (tenant_id, at, id) WHERE deleted_at IS NULL;
CREATE INDEX activities_by_created ON kontor.activities (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX activities_by_company ON kontor.activities (tenant_id, company_id, at, id) WHERE deleted_at IS NULL AND company_id IS NOT NULL;
CREATE INDEX activities_by_contact ON kontor.activities (tenant_id, contact_id, at, id) WHERE deleted_at IS NULL AND contact_id IS NOT NULL;
CREATE INDEX activities_by_lead ON kontor.activities (tenant_id, lead_id, at, id) WHERE deleted_at IS NULL AND lead_id IS NOT NULL;
CREATE INDEX activities_by_deal ON kontor.activities (tenant_id, deal_id, at, id) WHERE deleted_at IS NULL AND deal_id IS NOT NULL;
CREATE INDEX activities_by_owner ON kontor.activities (tenant_id, owner_id, at, id) WHERE deleted_at IS NULL;
CREATE INDEX activities_open_by_owner ON kontor.activities (tenant_id, owner_id, due_at, id) WHERE deleted_at IS NULL AND done_at IS NULL;
CREATE INDEX activities_search ON kontor.activities
  USING gin (tenant_id kontor.uuid_ops, subject_key kontor.gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE INDEX activities_deleted ON kontor.activities (tenant_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
