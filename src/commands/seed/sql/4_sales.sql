-- Deals with their history, leads with what became of them, and the tags of both.

-- Of ten deals four are open, three and a half were won, the rest was lost. The first that a large
-- company has are open. An open deal began within the last hundred days; one that is over ended
-- some time after its company came.
CREATE TEMP TABLE seed_deals ON COMMIT DROP AS
SELECT n, company, company_name, ms, last, pg_temp.id(ms, 'deal', n) AS id, is_open, outcome, steps, owner_id, territory_id,
  company_id, contact_id, key
FROM (
  SELECT d.n, d.outcome, d.is_open, d.steps, c.n AS company, c.name AS company_name, c.id AS company_id, c.owner_id, c.territory_id, c.key,
    p.id AS contact_id, ended.last,
    CASE WHEN is_open THEN greatest(c.ms, {now} - 3600000 - (100 * 86400000::bigint * pg_temp.u(d.n, 60))::bigint)
      ELSE greatest(c.ms, ended.last - ((15 + 95 * pg_temp.u(d.n, 61)) * 86400000)::bigint) END AS ms
  FROM (
    SELECT n, outcome, outcome < 5 AS is_open,
      -- How often it moved: stage by stage ahead, and from any of the open ones to its end.
      CASE WHEN outcome < 5 THEN outcome - 1 ELSE 1 + pg_temp.h(n, 62, 4) END::int AS steps
    FROM generate_series(1::bigint, {deals}) AS n
    CROSS JOIN LATERAL (SELECT CASE WHEN n % 4 = 0 AND n <= 12 * ({companies} / 10) THEN 1 + pg_temp.h(n, 63, 4)
      ELSE ('{1,1,2,2,3,4,5,5,5,5,5,5,5,6,6,6,6,6}'::int[])[1 + pg_temp.h(n, 64, 18)] END::int AS outcome) AS came
  ) AS d
  JOIN seed_companies c ON c.n = pg_temp.company_of(d.n, 65)
  LEFT JOIN (SELECT company, count(*) FROM seed_contacts GROUP BY company) AS people ON people.company = c.n
  LEFT JOIN seed_contacts p ON p.company = c.n AND p.place = 1 + pg_temp.h(d.n, 66, people.count)
  CROSS JOIN LATERAL (SELECT CASE WHEN d.is_open THEN 0
    ELSE c.ms + (({now} - c.ms) * (0.1 + 0.9 * pg_temp.u(d.n, 67)))::bigint END AS last) AS ended
) AS deal;

-- An open one moved last some time since.
UPDATE seed_deals SET last = CASE steps WHEN 0 THEN ms ELSE ms + (({now} - ms) * (0.2 + 0.7 * pg_temp.u(n, 68)))::bigint END
WHERE is_open;

CREATE UNIQUE INDEX ON seed_deals (n);

ANALYZE seed_deals;

INSERT INTO kontor.deals (tenant_id, id, name, company_id, contact_id, owner_id, territory_id, pipeline_id, stage_id, stage_kind,
  amount, amount_currency, probability, probability_set, forecast, expected_close_on, closed_at, lost_reason, reopened, stage_since,
  version, created_at, updated_at)
SELECT '{tenant}', d.id,
  pg_temp.pick('{Renewal,Pilot,Expansion,Migration,Licences,Support,Rollout,Audit,Training,Replacement,Framework contract,Upgrade}', n, 70)
    || ' ' || company_name,
  company_id, contact_id, owner_id, territory_id, pg_temp.id({start}, 'pipeline', 1), s.id, s.kind,
  worth.amount, CASE WHEN worth.amount IS NULL THEN NULL WHEN pg_temp.h(n, 71, 5) = 0 THEN '{other}' ELSE '{currency}' END,
  CASE WHEN by_hand THEN 5 * (1 + pg_temp.h(n, 72, 19)) ELSE s.probability END, by_hand,
  CASE s.kind WHEN 'WON' THEN 'CLOSED' WHEN 'LOST' THEN 'OMITTED' ELSE
    CASE WHEN s.s = 3 AND pg_temp.h(n, 73, 5) < 2 THEN 'BEST_CASE' WHEN s.s = 4 AND pg_temp.h(n, 73, 2) = 0 THEN 'COMMIT' ELSE 'PIPELINE' END END,
  CASE WHEN is_open AND s.s = 1 AND pg_temp.h(n, 74, 10) = 0 THEN NULL
    WHEN is_open THEN (pg_temp.at({now}) AT TIME ZONE 'UTC')::date - 20 + pg_temp.h(n, 75, 140)::int
    ELSE (pg_temp.at(last) AT TIME ZONE 'UTC')::date - 10 + pg_temp.h(n, 75, 21)::int END,
  CASE WHEN NOT is_open THEN pg_temp.at(last) END, lost.reason, 0, pg_temp.at(last),
  steps + 1, pg_temp.at(ms), pg_temp.at(last)
FROM seed_deals d JOIN seed_stages s ON s.s = d.outcome
CROSS JOIN LATERAL (SELECT CASE WHEN is_open AND d.outcome = 1 AND pg_temp.h(n, 76, 8) = 0 THEN NULL
  ELSE round(((400 + 60000 * pg_temp.u(n, 77) ^ 2) * CASE WHEN key THEN 6 ELSE 1 END)::numeric, 2) END AS amount) AS worth
CROSS JOIN LATERAL (SELECT is_open AND pg_temp.h(n, 78, 10) = 0 AS by_hand) AS odds
CROSS JOIN LATERAL (SELECT CASE d.outcome WHEN 6
  THEN pg_temp.pick('{Too expensive,A competitor was chosen,No budget this year,Bad timing,Nobody decided,The project was stopped}', n, 79) END AS reason) AS lost
ORDER BY ms, n;

INSERT INTO kontor.stage_changes (tenant_id, id, deal_id, from_stage_id, to_stage_id, at, by_id, reason, seconds_in_previous)
SELECT '{tenant}', pg_temp.id(moment.ms, 'stagechange', d.n * 10 + step), d.id, came.id, went.id, pg_temp.at(moment.ms), d.owner_id,
  CASE WHEN went.s = 6 THEN pg_temp.pick('{Too expensive,A competitor was chosen,No budget this year,Bad timing,Nobody decided,The project was stopped}', d.n, 79) END,
  CASE WHEN step > 0 THEN moment.ms / 1000 - (d.ms + (d.last - d.ms) * (step - 1) / steps) / 1000 END
FROM seed_deals d CROSS JOIN LATERAL generate_series(0, steps) AS step
CROSS JOIN LATERAL (SELECT CASE step WHEN 0 THEN d.ms ELSE d.ms + (d.last - d.ms) * step / steps END AS ms) AS moment
JOIN seed_stages went ON went.s = CASE WHEN step = steps THEN d.outcome ELSE step + 1 END
LEFT JOIN seed_stages came ON came.s = step
ORDER BY moment.ms, d.n;

-- Of the open ones one in four has a tag, of the others one in eight.
INSERT INTO kontor.deal_tags (tenant_id, id, deal_id, tag_id)
SELECT '{tenant}', pg_temp.id(ms, 'dealtag', n), id, pg_temp.id({start} + t, 'tag', t)
FROM seed_deals CROSS JOIN LATERAL (SELECT ('{5,6,8,8,9,10,11,12}'::int[])[1 + pg_temp.h(n, 69, CASE WHEN is_open THEN 32 ELSE 64 END)] AS t) AS tag
WHERE t IS NOT NULL ORDER BY ms, n;

-- Every 33rd was entered twice: it is the one before it. Of the others a part became the deal of the
-- same number.
CREATE TEMP TABLE seed_leads ON COMMIT DROP AS
SELECT born.n, born.status, born.ms, pg_temp.id(born.ms, 'lead', born.n) AS id, same.n AS like_n,
  CASE WHEN born.status = 'CONVERTED' THEN d.id END AS deal_id, d.ms AS deal_ms, d.company_id, d.contact_id,
  CASE WHEN born.status = 'CONVERTED' THEN p.first_name || ' ' || p.last_name
    ELSE pg_temp.first_name(same.n, 80) || ' ' || pg_temp.last_name(same.n, 81) END AS name,
  CASE WHEN born.status = 'CONVERTED' THEN c.name WHEN pg_temp.h(same.n, 82, 10) > 0 THEN pg_temp.company_name(same.n + 12000) END AS organisation,
  CASE WHEN born.status = 'CONVERTED' THEN p.email ELSE mail.address END AS email,
  CASE WHEN born.status = 'CONVERTED' THEN p.phone
    WHEN mail.address IS NULL OR pg_temp.h(same.n, 83, 3) > 0 THEN city.dial || ' ' || 1000000 + pg_temp.h(same.n, 84, 8999999) END AS phone,
  CASE WHEN born.status = 'CONVERTED' THEN c.city ELSE city.name END AS city,
  CASE WHEN born.status = 'CONVERTED' THEN c.country ELSE city.country END AS country,
  CASE WHEN born.status = 'CONVERTED' THEN c.postal_code
    ELSE city.zip || lpad(pg_temp.h(same.n, 85, (10 ^ city.digits)::bigint)::text, city.digits, '0') || city.rest END AS postal_code,
  CASE WHEN born.status = 'CONVERTED' THEN c.employees ELSE big.employees END AS employees,
  CASE WHEN born.status = 'CONVERTED' THEN c.territory_id ELSE coalesce(large.id, city.territory_id) END AS territory_id,
  CASE WHEN born.status = 'CONVERTED' THEN d.owner_id
    WHEN born.status = 'NEW' AND pg_temp.h(born.n, 86, 4) = 0 THEN NULL
    ELSE (coalesce(large.members, city.members))[1 + pg_temp.h(same.n, 87, cardinality(coalesce(large.members, city.members)))] END AS owner_id
FROM (
  SELECT n, status, CASE status WHEN 'CONVERTED' THEN deal_ms - ((1 + 40 * pg_temp.u(n, 88)) * 86400000)::bigint
    ELSE {now} - 3600000 - (CASE status WHEN 'NEW' THEN 6 WHEN 'WORKING' THEN 60 WHEN 'NURTURING' THEN 200 WHEN 'QUALIFIED' THEN 90
      WHEN 'DUPLICATE' THEN 20 ELSE 500 END * 86400000::bigint * pg_temp.u(n, 88))::bigint
      -- What was entered twice was entered before.
      - CASE n % 33 WHEN 32 THEN 21 * 86400000::bigint ELSE 0 END END AS ms
  FROM (
    SELECT l.n, d.ms AS deal_ms, CASE WHEN l.n % 33 = 0 THEN 'DUPLICATE' WHEN l.n % 33 = 32 THEN 'WORKING'
      WHEN drawn.status = 'CONVERTED' AND d.contact_id IS NULL THEN 'QUALIFIED' ELSE drawn.status END AS status
    FROM generate_series(1::bigint, {leads}) AS l (n) JOIN seed_deals d ON d.n = l.n
    CROSS JOIN LATERAL (SELECT ('{NEW,NEW,NEW,NEW,WORKING,WORKING,WORKING,WORKING,WORKING,NURTURING,NURTURING,NURTURING,QUALIFIED,QUALIFIED,CONVERTED,CONVERTED,CONVERTED,UNQUALIFIED,UNQUALIFIED,UNQUALIFIED}'::text[])
      [1 + pg_temp.h(l.n, 89, 20)] AS status) AS drawn
  ) AS state
) AS born
CROSS JOIN LATERAL (SELECT CASE born.status WHEN 'DUPLICATE' THEN born.n - 1 ELSE born.n END AS n) AS same
JOIN seed_deals d ON d.n = born.n
LEFT JOIN seed_companies c ON c.n = d.company
LEFT JOIN seed_contacts p ON p.id = d.contact_id AND p.company = d.company
CROSS JOIN LATERAL (SELECT CASE WHEN pg_temp.h(same.n, 90, 3) = 0 THEN 200 + pg_temp.h(same.n, 91, 4000) ELSE 3 + pg_temp.h(same.n, 91, 190) END::int AS employees) AS big
CROSS JOIN LATERAL (SELECT CASE WHEN pg_temp.h(same.n, 92, 10) = 0 THEN NULL
  ELSE lower(pg_temp.first_name(same.n, 80) || '.' || pg_temp.last_name(same.n, 81)) || CASE WHEN pg_temp.h(same.n, 93, 8) = 0 THEN same.n || '@gmail.com'
    ELSE '@' || replace(lower(pg_temp.company_name(same.n + 12000)), ' ', '-') || '.example' END END AS address) AS mail
JOIN seed_cities city ON city.c = 1 + pg_temp.h(same.n, 94, (SELECT count(*) FROM seed_cities))
LEFT JOIN seed_territories large ON large.least <= big.employees;

CREATE UNIQUE INDEX ON seed_leads (n);

ANALYZE seed_leads;

INSERT INTO kontor.leads (tenant_id, id, name, organisation, email, domain, phone, source, industry, employees, country, postal_code, city,
  status, owner_id, territory_id, nurture_until, lost_reason, lost_note, reopened, respond_by, responded_at, merged_into_id,
  version, created_at, updated_at)
SELECT '{tenant}', l.id, l.name, l.organisation, l.email, nullif(split_part(l.email, '@', 2), 'gmail.com'), l.phone,
  pg_temp.pick('{Website,Trade fair,Referral,Cold call,Newsletter,Partner,Webinar,Advertisement}', l.like_n, 100),
  pg_temp.pick('{Software,Manufacturing,Retail,Healthcare,Finance,Logistics,Energy,Education,Media,Construction}', l.like_n, 101),
  l.employees, l.country, l.postal_code, l.city, l.status, l.owner_id, l.territory_id,
  CASE l.status WHEN 'NURTURING' THEN (pg_temp.at({now}) AT TIME ZONE 'UTC')::date + 1 + pg_temp.h(l.n, 102, 90)::int END,
  CASE l.status WHEN 'UNQUALIFIED' THEN pg_temp.pick('{BUDGET,TIMING,NO_ANSWER,COMPETITOR,NOT_A_FIT}', l.n, 103) END,
  CASE WHEN l.status = 'UNQUALIFIED' AND pg_temp.h(l.n, 104, 3) = 0
    THEN pg_temp.pick('{Asked again twice and got no answer.,They bought from somebody else last month.,Try again when the new budget is there.}', l.n, 105) END,
  0, pg_temp.at(l.ms + 86400000), CASE WHEN l.status NOT IN ('NEW', 'DUPLICATE') THEN pg_temp.at(moved.answered) END, one.id,
  moved.version, pg_temp.at(l.ms), pg_temp.at(moved.last)
FROM seed_leads l LEFT JOIN seed_leads one ON one.n = l.n - 1 AND l.status = 'DUPLICATE'
CROSS JOIN LATERAL (
  SELECT answered, CASE l.status WHEN 'NEW' THEN 1 WHEN 'WORKING' THEN 2 WHEN 'DUPLICATE' THEN 2 WHEN 'CONVERTED' THEN 4 ELSE 3 END AS version,
    CASE l.status WHEN 'NEW' THEN l.ms WHEN 'WORKING' THEN answered WHEN 'CONVERTED' THEN l.deal_ms
      WHEN 'DUPLICATE' THEN l.ms + 1800000 ELSE answered + (({now} - answered) * pg_temp.u(l.n, 106))::bigint END AS last
  FROM (SELECT l.ms + (least(129600000, CASE l.status WHEN 'CONVERTED' THEN l.deal_ms ELSE {now} END - l.ms) * pg_temp.u(l.n, 107))::bigint AS answered) AS first
) AS moved
ORDER BY l.ms, l.n;

INSERT INTO kontor.lead_conversions (tenant_id, id, lead_id, company_id, contact_id, deal_id, at)
SELECT '{tenant}', pg_temp.id(deal_ms, 'conversion', n), id, company_id, contact_id, deal_id, pg_temp.at(deal_ms)
FROM seed_leads WHERE status = 'CONVERTED' ORDER BY deal_ms, n;

INSERT INTO kontor.lead_merges (tenant_id, id, lead_id, into_id, status_before, filled, moved, at)
SELECT '{tenant}', pg_temp.id(l.ms + 1800000, 'leadmerge', l.n), l.id, one.id, 'NEW', '{}', '{}', pg_temp.at(l.ms + 1800000)
FROM seed_leads l JOIN seed_leads one ON one.n = l.n - 1 WHERE l.status = 'DUPLICATE' ORDER BY l.ms, l.n;

-- One in four has a tag: where it was met, or what it is.
INSERT INTO kontor.lead_tags (tenant_id, id, lead_id, tag_id)
SELECT '{tenant}', pg_temp.id(ms, 'leadtag', n), id, pg_temp.id({start} + t, 'tag', t)
FROM seed_leads CROSS JOIN LATERAL (SELECT ('{2,2,3,5,7,7,7,9,10,11}'::int[])[1 + pg_temp.h(n, 108, 40)] AS t) AS tag
WHERE t IS NOT NULL ORDER BY ms, n;

-- Those that rest are woken.
INSERT INTO kontor.jobs (tenant_id, id, kind, payload, state, due_at, created_at)
SELECT '{tenant}', pg_temp.id({now}, 'job', n), '{wake}', jsonb_build_object('lead', id), 'READY',
  ((pg_temp.at({now}) AT TIME ZONE 'UTC')::date + 1 + pg_temp.h(n, 102, 90)::int)::timestamp AT TIME ZONE 'UTC', pg_temp.at({now})
FROM seed_leads WHERE status = 'NURTURING' ORDER BY n;
