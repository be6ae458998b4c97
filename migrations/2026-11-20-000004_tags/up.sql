CREATE TABLE kontor.tags (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  colour text,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT tags_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT tags_name_key UNIQUE (tenant_id, name_key),
  CONSTRAINT tags_name_length CHECK (char_length(name) BETWEEN 1 AND 50)
);
SELECT kontor.distribute('kontor.tags');
SELECT kontor.secure('kontor.tags');
CREATE INDEX tags_by_name ON kontor.tags (tenant_id, name_key, id);

CREATE TABLE kontor.company_tags (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  company_id uuid NOT NULL,
  tag_id uuid NOT NULL,
  CONSTRAINT company_tags_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT company_tags_once UNIQUE (tenant_id, company_id, tag_id),
  CONSTRAINT company_tags_company_fkey FOREIGN KEY (tenant_id, company_id)
    REFERENCES kontor.companies (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT company_tags_tag_fkey FOREIGN KEY (tenant_id, tag_id)
    REFERENCES kontor.tags (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.company_tags');
SELECT kontor.secure('kontor.company_tags');
CREATE INDEX company_tags_by_tag ON kontor.company_tags (tenant_id, tag_id, company_id);
