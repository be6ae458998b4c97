-- Tenants and people: small global tables, because they are needed before a tenant is known.
-- On Citus they are reference tables, so that tenants' tables may point to them.

CREATE TABLE kontor.tenants (
  id uuid NOT NULL,
  slug text NOT NULL,
  name text NOT NULL,
  currency text NOT NULL,
  time_zone text NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT tenants_pkey PRIMARY KEY (id),
  CONSTRAINT tenants_slug_key UNIQUE (slug),
  CONSTRAINT tenants_slug_form CHECK (slug ~ '^[a-z][a-z0-9-]{0,62}$'),
  CONSTRAINT tenants_currency_form CHECK (currency ~ '^[A-Z]{3}$')
);
SELECT kontor.distribute('kontor.tenants', true);
GRANT SELECT ON kontor.tenants TO kontor_app;
GRANT SELECT, INSERT, UPDATE ON kontor.tenants TO kontor_worker;

CREATE TABLE kontor.users (
  id uuid NOT NULL,
  email text NOT NULL,
  email_key text NOT NULL GENERATED ALWAYS AS (lower(email)) STORED,
  name text NOT NULL,
  password_hash text NOT NULL,
  active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email_key),
  CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
  CONSTRAINT users_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
);
SELECT kontor.distribute('kontor.users', true);
GRANT SELECT ON kontor.users TO kontor_app;
GRANT SELECT, INSERT, UPDATE ON kontor.users TO kontor_worker;

CREATE TABLE kontor.memberships (
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  roles text[] NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT memberships_pkey PRIMARY KEY (tenant_id, user_id),
  CONSTRAINT memberships_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kontor.tenants (id),
  CONSTRAINT memberships_user_fkey FOREIGN KEY (user_id) REFERENCES kontor.users (id),
  CONSTRAINT memberships_roles_some CHECK (cardinality(roles) > 0 AND array_position(roles, NULL) IS NULL)
);
CREATE INDEX memberships_user ON kontor.memberships (user_id);
SELECT kontor.distribute('kontor.memberships', true);
GRANT SELECT ON kontor.memberships TO kontor_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.memberships TO kontor_worker;
