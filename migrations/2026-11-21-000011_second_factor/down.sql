DELETE FROM kontor.audit_log
  WHERE action IN ('TOTP_ENABLED', 'TOTP_DISABLED', 'RECOVERY_CODES_REPLACED', 'STEPPED_UP');
ALTER TABLE kontor.audit_log DROP CONSTRAINT audit_log_action;
ALTER TABLE kontor.audit_log ADD CONSTRAINT audit_log_action CHECK (action IN (
  'CREATED', 'UPDATED', 'DELETED',
  'SIGNED_IN', 'SIGN_IN_FAILED', 'SIGNED_OUT', 'SESSION_ENDED', 'PASSWORD_CHANGED', 'UNLOCKED',
  'READ', 'EXPORTED'));
DROP TABLE kontor.security_policies;
ALTER TABLE kontor.sessions DROP COLUMN second_factor_at;
DROP TABLE kontor.recovery_codes;
DROP TABLE kontor.user_factors;
