-- Filters that people keep, and share.
CREATE TABLE kontor.saved_views (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  owner_id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  -- Of which list; the program knows which there are.
  kind text NOT NULL,
  visibility text NOT NULL,
  -- As the list's `where` and `orderBy` are written.
  conditions jsonb NOT NULL,
  sorting jsonb NOT NULL,
  shown text[] NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT saved_views_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT saved_views_owner_fkey FOREIGN KEY (tenant_id, owner_id)
    REFERENCES kontor.memberships (tenant_id, user_id),
  CONSTRAINT saved_views_name_key UNIQUE (tenant_id, owner_id, kind, name_key),
  CONSTRAINT saved_views_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
  CONSTRAINT saved_views_visibility CHECK (visibility IN ('PRIVATE', 'TEAM', 'PUBLIC')),
  CONSTRAINT saved_views_conditions_size CHECK (octet_length(conditions::text) <= 65536)
);
SELECT kontor.distribute('kontor.saved_views');
SELECT kontor.secure('kontor.saved_views');
CREATE INDEX saved_views_by_name ON kontor.saved_views (tenant_id, name_key, id);
CREATE INDEX saved_views_by_kind ON kontor.saved_views (tenant_id, kind, name_key, id);
CREATE INDEX saved_views_by_owner ON kontor.saved_views (tenant_id, owner_id, name_key, id);
