DELETE FROM kontor.role_grants WHERE reach = 'TERRITORY';
ALTER TABLE kontor.role_grants DROP CONSTRAINT role_grants_reach;
ALTER TABLE kontor.role_grants ADD CONSTRAINT role_grants_reach
  CHECK (reach IN ('OWN', 'TEAM', 'ALL'));
DROP TABLE kontor.territory_members;
DROP TABLE kontor.territory_rules;
DROP TABLE kontor.territories;
