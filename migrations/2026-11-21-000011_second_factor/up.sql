-- Second factors, and what a tenant asks of its people besides a password.

-- A person's second factor; its seed is among kontor.secrets. `last_step` is the time of the last
-- code that was used: no code is good twice.
CREATE TABLE kontor.user_factors (
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  confirmed_at timestamptz,
  last_step bigint NOT NULL,
  CONSTRAINT user_factors_pkey PRIMARY KEY (user_id),
  CONSTRAINT user_factors_user_fkey FOREIGN KEY (user_id) REFERENCES kontor.users (id)
);
SELECT kontor.distribute('kontor.user_factors', true);
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.user_factors TO kontor_app, kontor_worker;

-- For the day the telephone is lost: each is good once, only hashes are kept.
CREATE TABLE kontor.recovery_codes (
  user_id uuid NOT NULL,
  hash bytea NOT NULL,
  used_at timestamptz,
  CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, hash),
  CONSTRAINT recovery_codes_user_fkey FOREIGN KEY (user_id) REFERENCES kontor.users (id)
);
SELECT kontor.distribute('kontor.recovery_codes', true);
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.recovery_codes TO kontor_app, kontor_worker;

-- When whoever has the session last showed the second factor.
ALTER TABLE kontor.sessions ADD COLUMN second_factor_at timestamptz;

-- What a tenant asks: from where administrators come, what needs a fresh second factor, which
-- reads are written down. No row: nothing.
CREATE TABLE kontor.security_policies (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  administrator_addresses text[] NOT NULL DEFAULT '{}',
  step_up_permissions text[] NOT NULL DEFAULT '{}',
  recorded_permissions text[] NOT NULL DEFAULT '{}',
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT security_policies_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT security_policies_once UNIQUE (tenant_id),
  CONSTRAINT security_policies_words CHECK (
    array_position(administrator_addresses, NULL) IS NULL
    AND array_position(step_up_permissions, NULL) IS NULL
    AND array_position(recorded_permissions, NULL) IS NULL)
);
SELECT kontor.distribute('kontor.security_policies');
SELECT kontor.secure('kontor.security_policies');

-- The trail has new words.
ALTER TABLE kontor.audit_log DROP CONSTRAINT audit_log_action;
ALTER TABLE kontor.audit_log ADD CONSTRAINT audit_log_action CHECK (action IN (
  'CREATED', 'UPDATED', 'DELETED',
  'SIGNED_IN', 'SIGN_IN_FAILED', 'SIGNED_OUT', 'SESSION_ENDED', 'PASSWORD_CHANGED', 'UNLOCKED',
  'TOTP_ENABLED', 'TOTP_DISABLED', 'RECOVERY_CODES_REPLACED', 'STEPPED_UP',
  'READ', 'EXPORTED')) NOT VALID;
ALTER TABLE kontor.audit_log VALIDATE CONSTRAINT audit_log_action;
