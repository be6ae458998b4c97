-- Companies and those who work there, with their tags.

-- They came evenly over three years; every tenth is large, and a key account.
CREATE TEMP TABLE seed_companies ON COMMIT DROP AS
SELECT n, ms, pg_temp.id(ms, 'company', n) AS id, pg_temp.company_name(n) AS name, city.name AS city, city.country, city.dial,
  city.zip || lpad(pg_temp.h(n, 13, (10 ^ city.digits)::bigint)::text, city.digits, '0') || city.rest AS postal_code,
  big.employees, n % 10 = 0 AS key,
  coalesce(large.id, city.territory_id) AS territory_id, coalesce(large.members, city.members) AS members,
  (coalesce(large.members, city.members))[1 + pg_temp.h(n, 15, cardinality(coalesce(large.members, city.members)))] AS owner_id
FROM (SELECT n, {start} + 86400000 + ((n - 1 + pg_temp.u(n, 10)) * (({now} - {start} - 15 * 86400000::bigint) / {companies}))::bigint AS ms
      FROM generate_series(1::bigint, {companies}) AS n) AS born
CROSS JOIN LATERAL (SELECT CASE WHEN n % 10 = 0 THEN 1000 + pg_temp.h(n, 11, 19000)
  ELSE 5 + floor(895 * pg_temp.u(n, 12) ^ 3) END::int AS employees) AS big
JOIN seed_cities city ON city.c = 1 + pg_temp.h(n, 14, (SELECT count(*) FROM seed_cities))
LEFT JOIN seed_territories large ON large.least <= big.employees;

CREATE UNIQUE INDEX ON seed_companies (n);

ANALYZE seed_companies;

INSERT INTO kontor.companies (tenant_id, id, name, domain, industry, phone, postal_code, city, country, employees,
  annual_revenue, annual_revenue_currency, owner_id, territory_id, version, created_at, updated_at)
SELECT '{tenant}', id, name, replace(lower(name), ' ', '-') || '.example',
  pg_temp.pick('{Software,Manufacturing,Retail,Healthcare,Finance,Logistics,Energy,Education,Media,Construction,Services,Telecom}', n, 20),
  CASE WHEN pg_temp.h(n, 21, 20) > 0 THEN dial || ' ' || 1000000 + pg_temp.h(n, 22, 8999999) END,
  postal_code, city, country, employees, revenue.amount, CASE WHEN revenue.amount IS NOT NULL THEN '{currency}' END,
  owner_id, territory_id, changes.count + 1, pg_temp.at(ms),
  pg_temp.at(ms + CASE changes.count WHEN 0 THEN 0 ELSE (({now} - ms) * pg_temp.u(n, 23))::bigint END)
FROM seed_companies
CROSS JOIN LATERAL (SELECT CASE WHEN pg_temp.h(n, 24, 12) > 0
  THEN employees * (60 + pg_temp.h(n, 25, 140)) * 1000 END::numeric AS amount) AS revenue
CROSS JOIN LATERAL (SELECT greatest(0, pg_temp.h(n, 26, 10) - 5)::int AS count) AS changes
ORDER BY n;

INSERT INTO kontor.company_tags (tenant_id, id, company_id, tag_id)
SELECT '{tenant}', pg_temp.id(ms, 'companytag', n * 100 + t), id, pg_temp.id({start} + t, 'tag', t)
FROM seed_companies CROSS JOIN generate_series(1, 12) AS t
WHERE CASE t WHEN 1 THEN key ELSE pg_temp.h(n, 30, 33) = t END ORDER BY n, t;

CREATE TEMP TABLE seed_contacts ON COMMIT DROP AS
SELECT n, ms, pg_temp.id(ms, 'contact', n) AS id, company, first_name, last_name, title, phone, owner_id, territory_id,
  CASE WHEN pg_temp.h(n, 40, 20) > 0 THEN lower(first_name || '.' || last_name)
    || coalesce(nullif(row_number() OVER (PARTITION BY company, first_name, last_name ORDER BY n), 1)::text, '')
    || '@' || replace(lower(company_name), ' ', '-') || '.example' END AS email,
  row_number() OVER (PARTITION BY company ORDER BY ms, n) AS place
FROM (
  SELECT i AS n, c.n AS company, c.name AS company_name, c.territory_id,
    c.ms + (({now} - c.ms) * pg_temp.u(i, 41) ^ 1.5)::bigint AS ms,
    pg_temp.first_name(i, 42) AS first_name, pg_temp.last_name(i, 43) AS last_name,
    pg_temp.pick('{Chief Executive,Chief Technology Officer,Head of Finance,Buyer,Engineer,Head of Sales,Office Manager,Consultant,Analyst,Director,Head of Operations,Assistant,Project Manager,IT Administrator}', i, 44) AS title,
    -- Whoever has no e-mail address has a telephone.
    CASE WHEN pg_temp.h(i, 45, 10) > 0 OR pg_temp.h(i, 40, 20) = 0 THEN c.dial || ' ' || 1000000 + pg_temp.h(i, 46, 8999999) END AS phone,
    CASE WHEN pg_temp.h(i, 47, 7) > 0 THEN c.owner_id ELSE c.members[1 + pg_temp.h(i, 48, cardinality(c.members))] END AS owner_id
  FROM generate_series(1::bigint, {contacts}) AS i JOIN seed_companies c ON c.n = pg_temp.company_of(i, 49)
) AS person;

CREATE UNIQUE INDEX ON seed_contacts (company, place);

ANALYZE seed_contacts;

INSERT INTO kontor.contacts (tenant_id, id, first_name, last_name, email, phone, title, company_id, owner_id, territory_id,
  version, created_at, updated_at)
SELECT '{tenant}', p.id, first_name, last_name, email, phone, title, c.id, p.owner_id, p.territory_id,
  changes.count + 1, pg_temp.at(p.ms),
  pg_temp.at(p.ms + CASE changes.count WHEN 0 THEN 0 ELSE (({now} - p.ms) * pg_temp.u(p.n, 50))::bigint END)
FROM seed_contacts p JOIN seed_companies c ON c.n = p.company
CROSS JOIN LATERAL (SELECT greatest(0, pg_temp.h(p.n, 51, 8) - 5)::int AS count) AS changes
ORDER BY p.ms, p.n;

-- One in five has a tag: the newsletter, most often.
INSERT INTO kontor.contact_tags (tenant_id, id, contact_id, tag_id)
SELECT '{tenant}', pg_temp.id(ms, 'contacttag', n), id, pg_temp.id({start} + t, 'tag', t)
FROM seed_contacts CROSS JOIN LATERAL (SELECT ('{2,2,2,3,4,7}'::int[])[1 + pg_temp.h(n, 52, 30)] AS t) AS tag
WHERE t IS NOT NULL ORDER BY ms, n;
