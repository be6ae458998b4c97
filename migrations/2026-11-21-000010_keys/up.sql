-- Keys that the program makes for itself, each wrapped under one that only the operator has
-- (KONTOR_SECRET): who has the database alone has none of them.
CREATE TABLE kontor.keys (
  id uuid NOT NULL,
  purpose text NOT NULL,
  wrapped bytea NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT keys_pkey PRIMARY KEY (id),
  CONSTRAINT keys_purpose CHECK (purpose IN ('TOKEN', 'DATA', 'SEAL'))
);
SELECT kontor.distribute('kontor.keys', true);
GRANT SELECT, INSERT, DELETE ON kontor.keys TO kontor_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.keys TO kontor_worker;

-- What is kept but never shown: the secret of `kind` that belongs to a row, encrypted under one
-- of those keys and bound to its place. A person's own (they belong to no tenant) have the nil
-- tenant.
CREATE TABLE kontor.secrets (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL,
  row_id uuid NOT NULL,
  key_id uuid NOT NULL,
  sealed bytea NOT NULL,
  CONSTRAINT secrets_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT secrets_place_key UNIQUE (tenant_id, kind, row_id)
);
SELECT kontor.distribute('kontor.secrets');
SELECT kontor.secure('kontor.secrets', '{sealed}');
CREATE INDEX secrets_by_key ON kontor.secrets (key_id, tenant_id);

-- Whose secrets are under another key than this: ids and nothing else, across tenants.
CREATE FUNCTION kontor.tenants_with_older_secrets(key uuid, most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT DISTINCT tenant_id FROM kontor.secrets WHERE key_id <> key LIMIT most
$$;
REVOKE ALL ON FUNCTION kontor.tenants_with_older_secrets(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.tenants_with_older_secrets(uuid, integer) TO kontor_app, kontor_worker;
