DROP INDEX kontor.leads_by_grade;
DROP INDEX kontor.leads_by_score;
CREATE INDEX lead_scores_by_score ON kontor.lead_scores (tenant_id, score, id);
DROP TRIGGER keep ON kontor.lead_scores;
DROP FUNCTION kontor.keep_score();
DROP TRIGGER stamp ON kontor.leads;
DROP TRIGGER audit ON kontor.leads;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON kontor.leads
  FOR EACH ROW EXECUTE FUNCTION kontor.audit('leads', '{}');
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON kontor.leads
  FOR EACH ROW EXECUTE FUNCTION kontor.stamp();
ALTER TABLE kontor.leads DROP COLUMN score_key;
DROP FUNCTION kontor.grade(integer);
ALTER TABLE kontor.lead_merges DROP COLUMN joined;
DROP TABLE kontor.deal_tags;
DROP TABLE kontor.lead_tags;
DROP TABLE kontor.contact_tags;
