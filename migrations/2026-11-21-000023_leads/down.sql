DROP TABLE kontor.territory_turns;
ALTER TABLE kontor.territory_members DROP COLUMN lead_cap, DROP COLUMN present;
DROP TABLE kontor.lead_settings;
DROP TABLE kontor.lead_scores;
DROP TABLE kontor.score_rules;
DROP TABLE kontor.lead_merges;
DROP TABLE kontor.lead_links;
DROP TABLE kontor.lead_conversions;
DROP TABLE kontor.leads;
