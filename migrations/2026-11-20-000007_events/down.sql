DROP INDEX kontor.audit_log_by_table;
DROP INDEX kontor.audit_log_by_actor;
DROP FUNCTION kontor.audit_event(text, text, uuid, jsonb);
ALTER TABLE kontor.audit_log DROP CONSTRAINT audit_log_action;
ALTER TABLE kontor.audit_log ADD CONSTRAINT audit_log_action CHECK (action IN ('CREATED', 'UPDATED', 'DELETED'));
