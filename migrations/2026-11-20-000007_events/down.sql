DROP INDEX kontor.audit_log_by_table;
DROP INDEX kontor.audit_log_by_actor;
DROP FUNCTION kontor.audit_event(text, text, uuid, jsonb);
