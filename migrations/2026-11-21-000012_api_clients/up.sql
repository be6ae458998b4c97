-- Programs that use the API. A client has one secret, or two while one takes the other's place;
-- only their hashes are kept. The text of a secret names its tenant, so that it is found without
-- a look-up across tenants.
CREATE TABLE kontor.api_clients (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  -- What the newest live secret begins with.
  prefix text NOT NULL,
  scopes text[] NOT NULL,
  mode text NOT NULL,
  addresses text[] NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT api_clients_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT api_clients_name_key UNIQUE (tenant_id, name_key),
  CONSTRAINT api_clients_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
  CONSTRAINT api_clients_mode CHECK (mode IN ('OPEN', 'LOG_UNKNOWN', 'REQUIRE_ID')),
  CONSTRAINT api_clients_words CHECK (array_position(scopes, NULL) IS NULL AND array_position(addresses, NULL) IS NULL)
);
SELECT kontor.distribute('kontor.api_clients');
SELECT kontor.secure('kontor.api_clients');

CREATE TABLE kontor.api_client_secrets (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  prefix text NOT NULL,
  hash bytea NOT NULL,
  created_at timestamptz NOT NULL,
  revoked_at timestamptz,
  CONSTRAINT api_client_secrets_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT api_client_secrets_prefix_key UNIQUE (tenant_id, prefix),
  CONSTRAINT api_client_secrets_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES kontor.api_clients (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.api_client_secrets');
SELECT kontor.secure('kontor.api_client_secrets', '{hash}');
CREATE INDEX api_client_secrets_of_client ON kontor.api_client_secrets (tenant_id, client_id, created_at);

-- When a client was last there: known by the client's id, apart from it, so that being used is no
-- change of it.
CREATE TABLE kontor.api_client_uses (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  last_used_at timestamptz NOT NULL,
  address text,
  CONSTRAINT api_client_uses_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT api_client_uses_client_fkey FOREIGN KEY (tenant_id, id)
    REFERENCES kontor.api_clients (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.api_client_uses');
SELECT kontor.isolate('kontor.api_client_uses');
GRANT SELECT, INSERT, UPDATE ON kontor.api_client_uses TO kontor_app, kontor_worker;
