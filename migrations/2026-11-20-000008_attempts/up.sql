-- Wrong passwords, counted by account, by address, and by both together. The keys are hashes;
-- what counts against one account names it, so that an administrator can let its owner in again.
CREATE TABLE kontor.sign_in_attempts (
  key bytea NOT NULL,
  account bytea,
  failures integer NOT NULL,
  last_at timestamptz NOT NULL,
  blocked_until timestamptz NOT NULL,
  CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (key)
);
SELECT kontor.distribute('kontor.sign_in_attempts', true);
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.sign_in_attempts TO kontor_app, kontor_worker;
CREATE INDEX sign_in_attempts_by_account ON kontor.sign_in_attempts (account) WHERE account IS NOT NULL;
CREATE INDEX sign_in_attempts_by_time ON kontor.sign_in_attempts (last_at);
