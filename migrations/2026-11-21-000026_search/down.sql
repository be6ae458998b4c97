DO $$
DECLARE
  tbl text;
BEGIN
  FOREACH tbl IN ARRAY '{companies,contacts,leads,deals,activities}'::text[] LOOP
    EXECUTE format('DROP FUNCTION kontor.found_in_%s', tbl);
    EXECUTE format('DROP INDEX IF EXISTS kontor.%s_by_phone_end', tbl);
    EXECUTE format('DROP INDEX kontor.%s_words', tbl);
  END LOOP;
END $$;
DROP FUNCTION kontor.fit(integer, text, text, text, tsquery);
DROP FUNCTION kontor.asked_words(text);
DROP FUNCTION kontor.words(text);
