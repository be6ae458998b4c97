-- Work to be done later, enqueued in the transaction that wants it done. Work for no tenant (a
-- forgotten password) has the nil tenant.
CREATE TABLE kontor.jobs (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL,
  payload jsonb NOT NULL,
  state text NOT NULL,
  due_at timestamptz NOT NULL,
  leased_until timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  CONSTRAINT jobs_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT jobs_state CHECK (state IN ('READY', 'LEASED', 'DONE', 'DEAD'))
);
SELECT kontor.distribute('kontor.jobs');
SELECT kontor.isolate('kontor.jobs');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.jobs TO kontor_app, kontor_worker;
CREATE INDEX jobs_ready ON kontor.jobs (tenant_id, due_at, id) WHERE state = 'READY';
CREATE INDEX jobs_leased ON kontor.jobs (tenant_id, leased_until) WHERE state = 'LEASED';

-- Which tenants have work: ids and nothing else, without locks, across tenants. A function of the
-- owner's, so that the server needs no login that sees more than one tenant.
CREATE FUNCTION kontor.tenants_with_work(moment timestamptz, most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT DISTINCT tenant_id FROM kontor.jobs
  WHERE (state = 'READY' AND due_at <= moment) OR (state = 'LEASED' AND leased_until <= moment)
  LIMIT most
$$;
REVOKE ALL ON FUNCTION kontor.tenants_with_work(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.tenants_with_work(timestamptz, integer) TO kontor_app, kontor_worker;

-- What is done again and again, by whoever comes first.
CREATE TABLE kontor.schedules (
  name text NOT NULL,
  next_at timestamptz NOT NULL,
  CONSTRAINT schedules_pkey PRIMARY KEY (name)
);
SELECT kontor.distribute('kontor.schedules', true);
GRANT SELECT, INSERT, UPDATE ON kontor.schedules TO kontor_app, kontor_worker;

-- Forgotten passwords: only a hash is kept, good for half an hour and one use.
CREATE TABLE kontor.password_resets (
  hash bytea NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT password_resets_pkey PRIMARY KEY (hash),
  CONSTRAINT password_resets_user_fkey FOREIGN KEY (user_id) REFERENCES kontor.users (id)
);
SELECT kontor.distribute('kontor.password_resets', true);
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.password_resets TO kontor_app, kontor_worker;

-- Invitations, and requests to be let in that an administrator decides.
CREATE TABLE kontor.invitations (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  email text NOT NULL,
  roles text[] NOT NULL,
  own_role_ids uuid[] NOT NULL,
  hash bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT invitations_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT invitations_hash_key UNIQUE (tenant_id, hash),
  CONSTRAINT invitations_words CHECK (array_position(roles, NULL) IS NULL AND array_position(own_role_ids, NULL) IS NULL)
);
SELECT kontor.distribute('kontor.invitations');
SELECT kontor.secure('kontor.invitations', '{hash}');
CREATE INDEX invitations_by_created ON kontor.invitations (tenant_id, created_at, id);

CREATE TABLE kontor.access_requests (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  message text,
  state text NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT access_requests_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT access_requests_state CHECK (state IN ('OPEN', 'APPROVED', 'REFUSED'))
);
SELECT kontor.distribute('kontor.access_requests');
SELECT kontor.secure('kontor.access_requests');
CREATE INDEX access_requests_by_created ON kontor.access_requests (tenant_id, created_at, id);

GRANT INSERT ON kontor.users TO kontor_app;
