-- A tenant: its people, where and how it sells, its tags. One statement each.

INSERT INTO kontor.tenants (id, slug, name, currency, time_zone, created_at)
VALUES ('{tenant}', '{slug}', '{name}', '{currency}', '{zone}', pg_temp.at({start}));

-- The first nine are those of the demo; then teams of a manager and four reps.
CREATE TEMP TABLE seed_people ON COMMIT DROP AS
SELECT i, {start} + i * 1000 AS ms, pg_temp.id({start} + i * 1000, 'user', i) AS id,
  pg_temp.first_name(i, 1) || ' ' || pg_temp.last_name(i, 2) AS name,
  CASE WHEN i < 10 THEN ('{owner,admin,manager,rep,rep2,finance,operations,field,viewer}'::text[])[i]
    ELSE lower(pg_temp.first_name(i, 1) || '.' || pg_temp.last_name(i, 2)) || i END || '@{slug}.test' AS email,
  CASE WHEN i < 10 THEN ('{OWNER,ADMIN,MANAGER,REP,REP,FINANCE,OPERATIONS,FIELD_STAFF,VIEWER}'::text[])[i]
    WHEN i % 5 = 0 THEN 'MANAGER' ELSE 'REP' END AS role,
  CASE WHEN i IN (2, 3) THEN i - 1 WHEN i IN (4, 5) THEN 3
    WHEN i >= 10 THEN CASE i % 5 WHEN 0 THEN 2 ELSE i - i % 5 END END AS above
FROM generate_series(1, {users}) AS i;

INSERT INTO kontor.users (id, email, name, password_hash, created_at)
SELECT id, email, name, '{hash}', pg_temp.at(ms) FROM seed_people ORDER BY i;

INSERT INTO kontor.memberships (tenant_id, user_id, roles, created_at, manager_id)
SELECT '{tenant}', p.id, ARRAY[p.role], pg_temp.at(p.ms), m.id
FROM seed_people p LEFT JOIN seed_people m ON m.i = p.above ORDER BY p.i;

INSERT INTO kontor.reporting_lines (tenant_id, id, manager_id, member_id)
WITH RECURSIVE lines AS (
  SELECT i AS member, above AS manager FROM seed_people WHERE above IS NOT NULL
  UNION ALL
  SELECT l.member, p.above FROM lines l JOIN seed_people p ON p.i = l.manager WHERE p.above IS NOT NULL
)
SELECT '{tenant}', pg_temp.id(w.ms, 'line', w.i * 1000 + m.i), m.id, w.id
FROM lines l JOIN seed_people w ON w.i = l.member JOIN seed_people m ON m.i = l.manager;

CREATE TEMP TABLE seed_territories ON COMMIT DROP AS
SELECT t, parent, name, countries, least, pg_temp.id({start} + t, 'territory', t) AS id,
  (SELECT array_agg(p.id ORDER BY p.i) FROM seed_people p
   WHERE p.role IN ('MANAGER', 'REP') AND (p.i + t) % 3 = 0) AS members
FROM (VALUES
  (1, NULL, 'Europe', NULL::text[], NULL::int), (2, NULL, 'North America', NULL, NULL),
  (3, NULL, 'Key accounts', NULL, 1000), (4, 1, 'DACH', '{DE,AT,CH}', NULL),
  (5, 1, 'Nordics', '{NO,SE,DK,FI}', NULL), (6, 1, 'Southern Europe', '{IT,ES,PT,GR}', NULL),
  (7, 1, 'Western Europe', '{FR,BE,IE,GB}', NULL), (8, 2, 'United States', '{US}', NULL),
  (9, 2, 'Canada', '{CA}', NULL)) AS place (t, parent, name, countries, least);

INSERT INTO kontor.territories (tenant_id, id, name, parent_id, lineage, version, created_at, updated_at)
SELECT '{tenant}', t.id, t.name, p.id, array_remove(ARRAY[p.id, t.id], NULL), 1, pg_temp.at({start} + t.t), pg_temp.at({start} + t.t)
FROM seed_territories t LEFT JOIN seed_territories p ON p.t = t.parent ORDER BY t.t;

-- How large a company is decides before where it is.
INSERT INTO kontor.territory_rules (tenant_id, id, territory_id, countries, employees_min, priority, version, created_at, updated_at)
SELECT '{tenant}', pg_temp.id({start} + t, 'territoryrule', t), id, countries, least,
  CASE WHEN least IS NULL THEN 0 ELSE 10 END, 1, pg_temp.at({start} + t), pg_temp.at({start} + t)
FROM seed_territories WHERE countries IS NOT NULL OR least IS NOT NULL ORDER BY t;

INSERT INTO kontor.territory_members (tenant_id, id, territory_id, user_id, is_manager)
SELECT '{tenant}', pg_temp.id({start} + t.t, 'territorymember', t.t * 1000 + p.i), t.id, p.id, p.role = 'MANAGER'
FROM seed_territories t JOIN seed_people p ON p.id = ANY (t.members) ORDER BY t.t, p.i;

CREATE TEMP TABLE seed_cities ON COMMIT DROP AS
SELECT row_number() OVER () AS c, city.*, t.id AS territory_id, t.members
FROM (VALUES
  ('Berlin', 'DE', '+49 30', '10', 3, ''), ('Hamburg', 'DE', '+49 40', '20', 3, ''), ('Munich', 'DE', '+49 89', '80', 3, ''),
  ('Vienna', 'AT', '+43 1', '1', 3, ''), ('Graz', 'AT', '+43 316', '80', 2, ''), ('Zurich', 'CH', '+41 44', '80', 2, ''),
  ('Basel', 'CH', '+41 61', '40', 2, ''), ('Oslo', 'NO', '+47 22', '0', 3, ''), ('Bergen', 'NO', '+47 55', '50', 2, ''),
  ('Stockholm', 'SE', '+46 8', '11', 3, ''), ('Malmo', 'SE', '+46 40', '21', 3, ''), ('Copenhagen', 'DK', '+45 33', '1', 3, ''),
  ('Helsinki', 'FI', '+358 9', '00', 3, ''), ('Milan', 'IT', '+39 02', '20', 3, ''), ('Turin', 'IT', '+39 011', '10', 3, ''),
  ('Madrid', 'ES', '+34 91', '28', 3, ''), ('Barcelona', 'ES', '+34 93', '08', 3, ''), ('Lisbon', 'PT', '+351 21', '11', 2, '-148'),
  ('Porto', 'PT', '+351 22', '40', 2, '-011'), ('Athens', 'GR', '+30 21', '105', 2, ''), ('Paris', 'FR', '+33 1', '750', 2, ''),
  ('Lyon', 'FR', '+33 4', '690', 2, ''), ('Ghent', 'BE', '+32 9', '9', 3, ''), ('Antwerp', 'BE', '+32 3', '2', 3, ''),
  ('Dublin', 'IE', '+353 1', 'D', 2, ' X285'), ('London', 'GB', '+44 20', 'N', 1, ' 2AB'), ('Leeds', 'GB', '+44 113', 'LS', 1, ' 4DY'),
  ('Boston', 'US', '+1 617', '021', 2, ''), ('Chicago', 'US', '+1 312', '606', 2, ''), ('Denver', 'US', '+1 303', '802', 2, ''),
  ('Detroit', 'US', '+1 313', '482', 2, ''), ('Seattle', 'US', '+1 206', '981', 2, ''), ('Toronto', 'CA', '+1 416', 'M', 1, 'V 3L9'),
  ('Montreal', 'CA', '+1 514', 'H', 1, 'X 1Y4')) AS city (name, country, dial, zip, digits, rest)
JOIN seed_territories t ON city.country = ANY (t.countries);

INSERT INTO kontor.tags (tenant_id, id, name, colour, version, created_at, updated_at)
SELECT '{tenant}', pg_temp.id({start} + t, 'tag', t), name, colour, 1, pg_temp.at({start} + t), pg_temp.at({start} + t)
FROM unnest('{Key account,Newsletter,Partner,Reference,Trial,Churn risk,Trade fair,Upsell,Strategic,Public sector,Reseller,Pays late}'::text[],
  '{#b45309,#0369a1,#15803d,#7e22ce,#0f766e,#b91c1c,#a16207,#4d7c0f,#1d4ed8,#475569,#be185d,#9f1239}'::text[])
  WITH ORDINALITY AS tag (name, colour, t);

INSERT INTO kontor.pipelines (tenant_id, id, name, position, version, created_at, updated_at)
VALUES ('{tenant}', pg_temp.id({start}, 'pipeline', 1), '{pipeline}', 1, 1, pg_temp.at({start}), pg_temp.at({start}));

CREATE TEMP TABLE seed_stages ON COMMIT DROP AS
SELECT s, name, kind, probability, pg_temp.id({start} + s, 'stage', s) AS id FROM (VALUES {stages}) AS stage (s, name, kind, probability);

INSERT INTO kontor.stages (tenant_id, id, pipeline_id, name, position, kind, probability, required_fields, allow_skip, version, created_at, updated_at)
SELECT '{tenant}', id, pg_temp.id({start}, 'pipeline', 1), name, s, kind, probability, '{}', false, 1, pg_temp.at({start} + s), pg_temp.at({start} + s)
FROM seed_stages ORDER BY s;

-- One for each quarter.
INSERT INTO kontor.currency_rates (tenant_id, id, currency, valid_from, rate, version, created_at, updated_at)
SELECT '{tenant}', pg_temp.id({start} + q, 'rate', q), '{other}', ((pg_temp.at({start}) AT TIME ZONE 'UTC')::date - 1 + q * interval '3 months')::date,
  round({rate} * (0.95 + pg_temp.h(q, 3, 100) / 1000.0), 6), 1, pg_temp.at({start} + q), pg_temp.at({start} + q)
FROM generate_series(0, 12) AS q;

INSERT INTO kontor.score_rules (tenant_id, id, name, field, operator, value, event, direction, points, version, created_at, updated_at)
SELECT '{tenant}', pg_temp.id({start} + r, 'scorerule', r), name, field, operator, value, event, direction, points, 1, pg_temp.at({start} + r), pg_temp.at({start} + r)
FROM (VALUES
  (1, 'Large organisation', 'EMPLOYEES', 'AT_LEAST', '200', NULL, NULL, 20),
  (2, 'Recommended', 'SOURCE', 'EQUALS', 'Referral', NULL, NULL, 25),
  (3, 'Can be called', 'PHONE', 'PRESENT', NULL, NULL, NULL, 10),
  (4, 'Private mailbox', 'DOMAIN', 'ABSENT', NULL, NULL, NULL, -10),
  (5, 'Met us', NULL, NULL, NULL, 'MEETING', NULL, 15),
  (6, 'Called us', NULL, NULL, NULL, 'CALL', 'INBOUND', 10),
  (7, 'Wrote to us', NULL, NULL, NULL, 'EMAIL', 'INBOUND', 5)
) AS rule (r, name, field, operator, value, event, direction, points);
