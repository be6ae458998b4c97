-- Where a tenant sells: a tree, the rules that sort records into it, and who works there.
CREATE TABLE kontor.territories (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  parent_id uuid,
  -- From the root down to itself: what is below a territory has it in here.
  lineage uuid[] NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT territories_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT territories_parent_fkey FOREIGN KEY (tenant_id, parent_id)
    REFERENCES kontor.territories (tenant_id, id),
  CONSTRAINT territories_name_key UNIQUE NULLS NOT DISTINCT (tenant_id, parent_id, name_key),
  CONSTRAINT territories_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
  CONSTRAINT territories_depth CHECK (cardinality(lineage) BETWEEN 1 AND 10)
);
SELECT kontor.distribute('kontor.territories');
SELECT kontor.secure('kontor.territories');
CREATE INDEX territories_by_name ON kontor.territories (tenant_id, name_key, id);

-- A rule fits when each of its parts that is there fits; the most parts win, then the priority.
CREATE TABLE kontor.territory_rules (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  territory_id uuid NOT NULL,
  countries text[],
  postal_prefixes text[],
  industries text[],
  employees_min integer,
  employees_max integer,
  priority integer NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT territory_rules_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT territory_rules_territory_fkey FOREIGN KEY (tenant_id, territory_id)
    REFERENCES kontor.territories (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT territory_rules_something CHECK (
    num_nonnulls(countries, postal_prefixes, industries, employees_min, employees_max) > 0),
  CONSTRAINT territory_rules_employees CHECK (employees_min <= employees_max)
);
SELECT kontor.distribute('kontor.territory_rules');
SELECT kontor.secure('kontor.territory_rules');
CREATE INDEX territory_rules_by_territory ON kontor.territory_rules (tenant_id, territory_id);

CREATE TABLE kontor.territory_members (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  territory_id uuid NOT NULL,
  user_id uuid NOT NULL,
  is_manager boolean NOT NULL,
  CONSTRAINT territory_members_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT territory_members_once UNIQUE (tenant_id, territory_id, user_id),
  CONSTRAINT territory_members_territory_fkey FOREIGN KEY (tenant_id, territory_id)
    REFERENCES kontor.territories (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT territory_members_member_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES kontor.memberships (tenant_id, user_id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.territory_members');
SELECT kontor.secure('kontor.territory_members');
CREATE INDEX territory_members_by_user ON kontor.territory_members (tenant_id, user_id);

-- A permission may reach the territories of whoever holds it.
ALTER TABLE kontor.role_grants DROP CONSTRAINT role_grants_reach;
ALTER TABLE kontor.role_grants ADD CONSTRAINT role_grants_reach
  CHECK (reach IN ('OWN', 'TEAM', 'TERRITORY', 'ALL'));
