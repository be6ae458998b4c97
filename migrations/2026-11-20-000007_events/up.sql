-- What people do that is no change of a row: sign-ins and their failures, reads of what is
-- sensitive, exports. In a writing transaction; the trail says it was the context's actor.
CREATE FUNCTION kontor.audit_event(action text, tbl text, record uuid, details jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  write uuid := kontor.current_write();
  at timestamptz := kontor.uuid_time(write);
  ordinal bigint := greatest(0, extract(epoch FROM clock_timestamp() - at) * 1000000);
BEGIN
  IF write IS NULL OR action IN ('CREATED', 'UPDATED', 'DELETED') THEN
    RAISE EXCEPTION 'an event belongs to a write, and is no change of a row';
  END IF;
  INSERT INTO kontor.audit_log
    (tenant_id, at, id, write_id, ordinal, actor_id, request_id, table_name, record_id, action, new)
  VALUES (
    kontor.current_tenant(), at, kontor.uuid_ordered(at, ordinal), write, ordinal,
    nullif(current_setting('app.actor_id', true), '')::uuid,
    nullif(current_setting('app.request_id', true), ''),
    tbl, record, action, details);
END $$;
REVOKE ALL ON FUNCTION kontor.audit_event(text, text, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kontor.audit_event(text, text, uuid, jsonb) TO kontor_app, kontor_worker;

CREATE INDEX audit_log_by_actor ON kontor.audit_log (tenant_id, actor_id, at, id);
CREATE INDEX audit_log_by_table ON kontor.audit_log (tenant_id, table_name, at, id);
