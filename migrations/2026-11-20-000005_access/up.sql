-- Who may do what: a tenant's own roles, the reporting line, sessions.

-- The reporting line. A deactivated membership keeps its history and opens no door.
ALTER TABLE kontor.memberships
  ADD COLUMN manager_id uuid,
  ADD COLUMN deactivated_at timestamptz,
  ADD CONSTRAINT memberships_manager_fkey FOREIGN KEY (tenant_id, manager_id)
    REFERENCES kontor.memberships (tenant_id, user_id);
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON kontor.memberships
  FOR EACH ROW EXECUTE FUNCTION kontor.audit('memberships', '{}', 'user_id');
GRANT INSERT, UPDATE ON kontor.memberships TO kontor_app;
GRANT UPDATE (password_hash, name) ON kontor.users TO kontor_app;

-- Who is above whom, at any distance: one row for each pair.
CREATE TABLE kontor.reporting_lines (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  manager_id uuid NOT NULL,
  member_id uuid NOT NULL,
  CONSTRAINT reporting_lines_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT reporting_lines_once UNIQUE (tenant_id, manager_id, member_id),
  CONSTRAINT reporting_lines_manager_fkey FOREIGN KEY (tenant_id, manager_id)
    REFERENCES kontor.memberships (tenant_id, user_id) ON DELETE CASCADE,
  CONSTRAINT reporting_lines_member_fkey FOREIGN KEY (tenant_id, member_id)
    REFERENCES kontor.memberships (tenant_id, user_id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.reporting_lines');
SELECT kontor.isolate('kontor.reporting_lines');
GRANT SELECT, INSERT, DELETE ON kontor.reporting_lines TO kontor_app, kontor_worker;
CREATE INDEX reporting_lines_by_member ON kontor.reporting_lines (tenant_id, member_id);

-- A tenant's own roles; the built-in ones are in the program (src/access/role.rs).
CREATE TABLE kontor.roles (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT roles_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT roles_name_key UNIQUE (tenant_id, name_key),
  CONSTRAINT roles_name_length CHECK (char_length(name) BETWEEN 1 AND 50)
);
SELECT kontor.distribute('kontor.roles');
SELECT kontor.secure('kontor.roles');

CREATE TABLE kontor.role_grants (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  role_id uuid NOT NULL,
  permission text NOT NULL,
  reach text NOT NULL,
  CONSTRAINT role_grants_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT role_grants_once UNIQUE (tenant_id, role_id, permission),
  CONSTRAINT role_grants_reach CHECK (reach IN ('OWN', 'TEAM', 'ALL')),
  CONSTRAINT role_grants_role_fkey FOREIGN KEY (tenant_id, role_id)
    REFERENCES kontor.roles (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.role_grants');
SELECT kontor.secure('kontor.role_grants');

CREATE TABLE kontor.membership_roles (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  role_id uuid NOT NULL,
  CONSTRAINT membership_roles_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT membership_roles_once UNIQUE (tenant_id, user_id, role_id),
  CONSTRAINT membership_roles_user_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES kontor.memberships (tenant_id, user_id) ON DELETE CASCADE,
  CONSTRAINT membership_roles_role_fkey FOREIGN KEY (tenant_id, role_id)
    REFERENCES kontor.roles (tenant_id, id)
);
SELECT kontor.distribute('kontor.membership_roles');
SELECT kontor.secure('kontor.membership_roles');

-- Sessions. The refresh token names its tenant and session, so that no look-up without a tenant
-- is needed; only its hash is kept.
CREATE TABLE kontor.sessions (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_by text,
  address text,
  user_agent text,
  CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT sessions_user_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES kontor.memberships (tenant_id, user_id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.sessions');
SELECT kontor.isolate('kontor.sessions');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.sessions TO kontor_app, kontor_worker;
CREATE INDEX sessions_of_user ON kontor.sessions (tenant_id, user_id, created_at) WHERE ended_at IS NULL;

CREATE TABLE kontor.refresh_tokens (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  session_id uuid NOT NULL,
  hash bytea NOT NULL,
  created_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT refresh_tokens_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT refresh_tokens_hash_key UNIQUE (tenant_id, hash),
  CONSTRAINT refresh_tokens_session_fkey FOREIGN KEY (tenant_id, session_id)
    REFERENCES kontor.sessions (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.refresh_tokens');
SELECT kontor.isolate('kontor.refresh_tokens');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.refresh_tokens TO kontor_app, kontor_worker;
CREATE INDEX refresh_tokens_of_session ON kontor.refresh_tokens (tenant_id, session_id);
