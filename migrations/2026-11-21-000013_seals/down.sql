CREATE OR REPLACE FUNCTION kontor.upkeep(moment timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  gone bigint := 0;
  these bigint;
BEGIN
  PERFORM kontor.audit_months((moment AT TIME ZONE 'UTC')::date, 13);
  -- A repeat is known for a day.
  DELETE FROM kontor.idempotency_keys WHERE created_at < moment - interval '2 days';
  GET DIAGNOSTICS these = ROW_COUNT;
  gone := gone + these;
  -- A failure is forgotten after a quiet day.
  DELETE FROM kontor.sign_in_attempts WHERE last_at < moment - interval '2 days' AND blocked_until < moment;
  GET DIAGNOSTICS these = ROW_COUNT;
  gone := gone + these;
  DELETE FROM kontor.password_resets WHERE expires_at < moment - interval '1 day';
  GET DIAGNOSTICS these = ROW_COUNT;
  gone := gone + these;
  -- What failed for good stays for a person to look at.
  DELETE FROM kontor.jobs WHERE finished_at < moment
    - CASE state WHEN 'DONE' THEN interval '7 days' ELSE interval '90 days' END;
  GET DIAGNOSTICS these = ROW_COUNT;
  RETURN gone + these;
END $$;
DROP FUNCTION kontor.retire_trail(timestamptz);
DROP FUNCTION kontor.tenants_with_trail_before(timestamptz);
DROP FUNCTION kontor.tenants_to_seal(integer);
DROP TABLE kontor.audit_seals;
DELETE FROM kontor.counters WHERE name = 'sealed';
