-- Single sign-on: a tenant's identity providers, who came through them, and the sign-ins that are
-- on their way. The client secret is among kontor.secrets.

CREATE TABLE kontor.sso_providers (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  issuer text NOT NULL,
  client_id text NOT NULL,
  scopes text[] NOT NULL,
  roles_claim text,
  -- [{ "claim": …, "role_ids": [ … ] }]. Roles are in no foreign key here: most are the program's
  -- own, and what names a role that is gone gives nothing.
  role_mappings jsonb NOT NULL,
  default_role_ids uuid[] NOT NULL,
  enabled boolean NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT sso_providers_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT sso_providers_name_key UNIQUE (tenant_id, name_key),
  CONSTRAINT sso_providers_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
  CONSTRAINT sso_providers_issuer_length CHECK (char_length(issuer) BETWEEN 1 AND 300),
  CONSTRAINT sso_providers_client_length CHECK (char_length(client_id) BETWEEN 1 AND 300),
  CONSTRAINT sso_providers_mappings_list CHECK (jsonb_typeof(role_mappings) = 'array')
);
SELECT kontor.distribute('kontor.sso_providers');
SELECT kontor.secure('kontor.sso_providers');

-- Who a provider's subject is here. `managed`: the membership was made by this provider, and its
-- roles follow the claims.
CREATE TABLE kontor.sso_identities (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  provider_id uuid NOT NULL,
  subject text NOT NULL,
  user_id uuid NOT NULL,
  managed boolean NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT sso_identities_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT sso_identities_subject_key UNIQUE (tenant_id, provider_id, subject),
  -- Whoever gets the address of somebody who left is not that person.
  CONSTRAINT sso_identities_person_key UNIQUE (tenant_id, provider_id, user_id),
  CONSTRAINT sso_identities_subject_length CHECK (char_length(subject) BETWEEN 1 AND 255),
  CONSTRAINT sso_identities_provider_fkey FOREIGN KEY (tenant_id, provider_id)
    REFERENCES kontor.sso_providers (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT sso_identities_user_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES kontor.memberships (tenant_id, user_id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.sso_identities');
SELECT kontor.secure('kontor.sso_identities');
CREATE INDEX sso_identities_of_user ON kontor.sso_identities (tenant_id, user_id);

-- Sign-ins that were begun: only the hash of the state is kept, and what else belongs to it is
-- derived from the state and the operator's secret.
CREATE TABLE kontor.sso_attempts (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  provider_id uuid NOT NULL,
  hash bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT sso_attempts_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT sso_attempts_hash_key UNIQUE (tenant_id, hash),
  CONSTRAINT sso_attempts_provider_fkey FOREIGN KEY (tenant_id, provider_id)
    REFERENCES kontor.sso_providers (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.sso_attempts');
SELECT kontor.isolate('kontor.sso_attempts');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.sso_attempts TO kontor_app, kontor_worker;
CREATE INDEX sso_attempts_by_end ON kontor.sso_attempts (tenant_id, expires_at);
CREATE INDEX sso_attempts_of_provider ON kontor.sso_attempts (tenant_id, provider_id);
