-- Finding records by what one remembers of them.
--
-- Row level security lets no index be asked what is not known to leak nothing, and neither LIKE nor
-- @@ is; so what looks into these indexes are functions of the owner's. They tell ids and nothing
-- else, of the tenant at hand and of no other. Whoever calls them reads the rows themselves, under
-- row level security and within their reach.

-- A text as words without grammar, in any language; what stands between them is no part of them.
CREATE FUNCTION kontor.words(body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT to_tsvector('pg_catalog.simple',
    translate(body, '.,;:!?@/\|-_+*#~''"`´()[]{}<>=&%$§^°', repeat(' ', 35)))
$$;

-- What somebody typed as a question for words: all of them, each at least as a beginning.
CREATE FUNCTION kontor.asked_words(asked text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT string_agg(quote_literal(lexeme) || ':*', ' & ')::tsquery FROM unnest(kontor.words(asked))
$$;

-- How well a record fits, from 0 to 1, by the way in which it was found: 1 by its telephone number,
-- 2 by a part of its name, 3 by words anywhere in it, 4 by a name that is alike.
CREATE FUNCTION kontor.fit(way integer, name text, body text, asked text, asked_words tsquery)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT greatest(
    CASE
      WHEN name = asked THEN 1
      WHEN starts_with(name, asked) THEN 0.9
      WHEN strpos(name, ' ' || asked) > 0 THEN 0.8
      WHEN strpos(name, asked) > 0 THEN 0.7
      ELSE 0.6 * kontor.word_similarity(asked, name)
    END,
    CASE way
      WHEN 1 THEN 0.95
      WHEN 3 THEN CASE
        WHEN kontor.words(name) @@ asked_words THEN 0.75
        WHEN strpos(lower(body), asked) > 0 THEN 0.65
        ELSE 0.5
      END
    END)
$$;

DO $$
DECLARE
  kind record;
BEGIN
  FOR kind IN SELECT * FROM (VALUES
    ('companies', 'name_key', true,
     'name || '' '' || coalesce(domain, '''') || '' '' || coalesce(city, '''') || '' '' || coalesce(industry, '''')'),
    ('contacts', 'name_key', true,
     'coalesce(first_name, '''') || '' '' || last_name || '' '' || coalesce(email, '''') || '' '' || coalesce(title, '''')'),
    ('leads', 'name_key', true,
     'name || '' '' || coalesce(organisation, '''') || '' '' || coalesce(email, '''') || '' '' || coalesce(city, '''')'),
    ('deals', 'name_key', false, 'name'),
    ('activities', 'subject_key', false, 'subject || '' '' || coalesce(body, '''')')
  ) AS kinds (tbl, name, phones, body)
  LOOP
    EXECUTE format('CREATE INDEX %1$s_words ON kontor.%1$I USING gin '
                   '(tenant_id kontor.uuid_ops, kontor.words(%2$s)) WHERE deleted_at IS NULL', kind.tbl, kind.body);
    IF kind.phones THEN
      EXECUTE format('CREATE INDEX %1$s_by_phone_end ON kontor.%1$I '
                     '(tenant_id, reverse(phone_tail) text_pattern_ops) WHERE deleted_at IS NULL', kind.tbl);
    END IF;
    -- Who asks for what very many have finds the newest of them.
    EXECUTE format($found$
      CREATE FUNCTION kontor.found_in_%1$s(pattern text, alike text, asked_words tsquery, number text)
      RETURNS TABLE (record uuid, way integer)
      LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 100 AS $body$
      DECLARE
        tenant uuid := kontor.current_tenant();
      BEGIN
        RETURN QUERY SELECT found.id, min(found.way) FROM (
          %4$s
          (SELECT t.id, 2 AS way FROM kontor.%1$I t
           WHERE t.tenant_id = tenant AND t.deleted_at IS NULL AND t.%2$I LIKE pattern
           ORDER BY t.id DESC LIMIT 10000)
          UNION ALL
          (SELECT t.id, 3 FROM kontor.%1$I t
           WHERE t.tenant_id = tenant AND t.deleted_at IS NULL AND kontor.words(%3$s) @@ asked_words
           ORDER BY t.id DESC LIMIT 10000)
          UNION ALL
          (SELECT t.id, 4 FROM kontor.%1$I t
           WHERE t.tenant_id = tenant AND t.deleted_at IS NULL AND alike OPERATOR(kontor.<%%) t.%2$I
           ORDER BY t.id DESC LIMIT 10000)
        ) AS found GROUP BY found.id;
      END $body$
    $found$, kind.tbl, kind.name, kind.body, CASE WHEN kind.phones THEN format($phones$
          (SELECT t.id, 1 AS way FROM kontor.%1$I t
           WHERE t.tenant_id = tenant AND t.deleted_at IS NULL
             AND reverse(t.phone_tail) ~>=~ reverse(number) AND reverse(t.phone_tail) ~<~ (reverse(number) || ':')
           ORDER BY t.id DESC LIMIT 10000)
          UNION ALL$phones$, kind.tbl) ELSE '' END);
    EXECUTE format('REVOKE ALL ON FUNCTION kontor.found_in_%s FROM PUBLIC', kind.tbl);
    EXECUTE format('GRANT EXECUTE ON FUNCTION kontor.found_in_%s TO kontor_app', kind.tbl);
  END LOOP;
END $$;
