-- Contacts, leads and deals have tags as companies have them: one table of links each.
DO $do$
DECLARE
  one text;
BEGIN
  FOREACH one IN ARRAY '{contact,lead,deal}'::text[] LOOP
    EXECUTE format($sql$
      CREATE TABLE kontor.%1$s_tags (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        %1$s_id uuid NOT NULL,
        tag_id uuid NOT NULL,
        CONSTRAINT %1$s_tags_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT %1$s_tags_once UNIQUE (tenant_id, %1$s_id, tag_id),
        CONSTRAINT %1$s_tags_%1$s_fkey FOREIGN KEY (tenant_id, %1$s_id)
          REFERENCES kontor.%1$ss (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT %1$s_tags_tag_fkey FOREIGN KEY (tenant_id, tag_id)
          REFERENCES kontor.tags (tenant_id, id) ON DELETE CASCADE
      );
      SELECT kontor.distribute('kontor.%1$s_tags');
      SELECT kontor.secure('kontor.%1$s_tags');
      CREATE INDEX %1$s_tags_by_tag ON kontor.%1$s_tags (tenant_id, tag_id, %1$s_id);
    $sql$, one);
  END LOOP;
END $do$;

-- The tags that the one that stays got by the merge: their links.
ALTER TABLE kontor.lead_merges ADD COLUMN joined uuid[] NOT NULL DEFAULT '{}';

-- A score in a letter. `scoring::grade` says the same; a test compares them.
CREATE FUNCTION kontor.grade(score integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN score >= 75 THEN 'A' WHEN score >= 50 THEN 'B' WHEN score >= 25 THEN 'C' ELSE 'D' END
$$;

-- The score as it was computed last, to sort and to filter by; 0 before the first time. It follows
-- from lead_scores and is no change of the lead: what a trigger does to a lead leaves neither a
-- version nor a trail.
ALTER TABLE kontor.leads ADD COLUMN score_key integer NOT NULL DEFAULT 0;
DROP TRIGGER stamp ON kontor.leads;
DROP TRIGGER audit ON kontor.leads;
UPDATE kontor.leads l SET score_key = s.score FROM kontor.lead_scores s
WHERE s.tenant_id = l.tenant_id AND s.id = l.id AND s.score <> 0;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON kontor.leads
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION kontor.audit('leads', '{}');
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON kontor.leads
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION kontor.stamp();

CREATE FUNCTION kontor.keep_score() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE kontor.leads SET score_key = NEW.score
  WHERE tenant_id = NEW.tenant_id AND id = NEW.id AND score_key <> NEW.score;
  RETURN NULL;
END $$;
CREATE TRIGGER keep AFTER INSERT OR UPDATE ON kontor.lead_scores
  FOR EACH ROW EXECUTE FUNCTION kontor.keep_score();

DROP INDEX kontor.lead_scores_by_score;
CREATE INDEX leads_by_score ON kontor.leads (tenant_id, score_key, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_by_grade ON kontor.leads (tenant_id, kontor.grade(score_key), created_at, id) WHERE deleted_at IS NULL;
