DROP FUNCTION kontor.tenants_with_older_secrets(uuid, integer);
DROP TABLE kontor.secrets;
DROP TABLE kontor.keys;
