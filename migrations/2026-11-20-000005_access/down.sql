DROP TABLE kontor.refresh_tokens;
DROP TABLE kontor.sessions;
DROP TABLE kontor.membership_roles;
DROP TABLE kontor.role_grants;
DROP TABLE kontor.roles;
DROP TABLE kontor.reporting_lines;
DROP TRIGGER audit ON kontor.memberships;
REVOKE UPDATE (password_hash, name) ON kontor.users FROM kontor_app;
REVOKE INSERT, UPDATE ON kontor.memberships FROM kontor_app;
ALTER TABLE kontor.memberships
  DROP CONSTRAINT memberships_manager_fkey,
  DROP COLUMN deactivated_at,
  DROP COLUMN manager_id;
