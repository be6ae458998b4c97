DROP FUNCTION kontor.upkeep(timestamptz);
