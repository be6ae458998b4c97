-- What was done and is to be done about all of them, and what that makes leads worth.

CREATE TEMP TABLE seed_abouts ON COMMIT DROP AS
SELECT 'company' AS kind, n, id, ms, owner_id FROM seed_companies
UNION ALL SELECT 'contact', n, id, ms, owner_id FROM seed_contacts
UNION ALL SELECT 'deal', n, id, ms, owner_id FROM seed_deals
-- What was done with one that was converted is done with the contact.
UNION ALL SELECT 'lead', row_number() OVER (ORDER BY n), id, ms, owner_id FROM seed_leads
  WHERE status IN ('WORKING', 'NURTURING', 'QUALIFIED', 'UNQUALIFIED');

ANALYZE seed_abouts;

INSERT INTO kontor.activities (tenant_id, id, kind, subject, body, direction, duration_seconds, due_at, done_at, author_id, owner_id,
  company_id, contact_id, lead_id, deal_id, version, created_at, updated_at)
SELECT '{tenant}', pg_temp.id(ms, 'activity', n), kind,
  CASE kind
    WHEN 'NOTE' THEN pg_temp.pick('{Prefers,Asked about,Is happy with,Is unhappy with,Decides about,Compares}', n, 110)
    WHEN 'TASK' THEN pg_temp.pick('{Prepare,Send,Check,Follow up on,Update,Remind them of}', n, 110)
    WHEN 'EMAIL' THEN pg_temp.pick('{Answer about,Question about,Documents for,News of,Thanks for,Reminder of}', n, 110)
    WHEN 'CALL' THEN pg_temp.pick('{Call about,First call about,Follow-up on,Questions about,Agreed on,Left a message about}', n, 110)
    ELSE pg_temp.pick('{Demo of,Workshop on,Kick-off of,Review of,Negotiation of,Lunch and}', n, 110) END || ' '
    || pg_temp.pick('{the offer,the contract,the pilot,the invoice,prices,the delivery,the renewal,the migration,training,support,the roadmap,security,the integration,the schedule,references,the budget}', n, 111),
  CASE WHEN kind = 'NOTE' THEN pg_temp.pick('{Wants to hear from us before the end of the quarter.,Has the say together with the head of finance.,Works with a competitor until next year.,Would be a reference for us.,Please do not call before noon.}', n, 112) END,
  CASE WHEN kind IN ('CALL', 'EMAIL') THEN CASE WHEN pg_temp.h(n, 113, 3) = 0 THEN 'INBOUND' ELSE 'OUTBOUND' END END,
  CASE WHEN done IS NULL THEN NULL WHEN kind = 'CALL' THEN 60 + pg_temp.h(n, 114, 1740) WHEN kind = 'MEETING' THEN 900 * (2 + pg_temp.h(n, 114, 5)) END,
  pg_temp.at(due), pg_temp.at(done), owner_id, owner_id,
  CASE about WHEN 'company' THEN about_id END, CASE about WHEN 'contact' THEN about_id END,
  CASE about WHEN 'lead' THEN about_id END, CASE about WHEN 'deal' THEN about_id END,
  CASE WHEN done > ms THEN 2 ELSE 1 END, pg_temp.at(ms), pg_temp.at(greatest(ms, done))
FROM (
  SELECT n, about, about_id, owner_id, kind, ms, due,
    -- Notes, calls and e-mails are written down when they are done. What was due was done about then,
    -- but for some of the last weeks.
    CASE WHEN due IS NULL THEN ms WHEN due >= {now} THEN NULL
      WHEN kind = 'TASK' AND due > {now} - 40 * 86400000::bigint AND pg_temp.h(n, 115, 4) = 0 THEN NULL
      ELSE least({now}, greatest(ms, due + ((3 * pg_temp.u(n, 116) - 1) * 43200000)::bigint)) END AS done
  FROM (
    SELECT n, about, about_id, owner_id, kind, ms,
      CASE kind WHEN 'TASK' THEN ms + ((1 + 30 * pg_temp.u(n, 117)) * 86400000)::bigint
        WHEN 'MEETING' THEN ms + ((1 + 14 * pg_temp.u(n, 117)) * 86400000)::bigint
        WHEN 'CALL' THEN CASE WHEN ms > {now} - 5 * 86400000::bigint AND pg_temp.h(n, 118, 2) = 0
          THEN {now} + ((1 + 20 * pg_temp.u(n, 117)) * 86400000)::bigint END END AS due
    FROM (
      SELECT a.n, a.about, of.id AS about_id, of.owner_id, of.ms + (({now} - of.ms) * pg_temp.u(a.n, 119))::bigint AS ms,
        ('{NOTE,NOTE,TASK,TASK,CALL,CALL,CALL,EMAIL,EMAIL,MEETING}'::text[])[1 + pg_temp.h(a.n, 120, 10)] AS kind
      FROM (
        SELECT n, about, CASE about WHEN 'company' THEN pg_temp.company_of(pg_temp.h(n, 121, 1000000), 122)
          ELSE 1 + pg_temp.h(n, 123, CASE about WHEN 'contact' THEN {contacts} WHEN 'deal' THEN {deals}
            ELSE (SELECT count(*) FROM seed_abouts WHERE kind = 'lead') END) END AS about_n
        FROM generate_series(1::bigint, {activities}) AS n
        CROSS JOIN LATERAL (SELECT CASE WHEN n % 20 < 8 THEN 'company' WHEN n % 20 < 13 THEN 'contact' WHEN n % 20 < 18 THEN 'deal' ELSE 'lead' END AS about) AS which
      ) AS a JOIN seed_abouts of ON of.kind = a.about AND of.n = a.about_n
    ) AS began
  ) AS planned
) AS activity
ORDER BY ms, n;

-- As the scoring computes it: what the fields say, and what was done.
INSERT INTO kontor.lead_scores (tenant_id, id, score, grade, parts, computed_at)
SELECT '{tenant}', id, score, kontor.grade(score), parts, pg_temp.at({now})
FROM (
  SELECT l.id, least(100, greatest(0, coalesce(sum(part.points), 0)))::int AS score,
    coalesce(jsonb_agg(jsonb_build_object('rule', part.rule, 'name', part.name, 'points', part.points, 'half_life_days', NULL,
      'reason', part.reason, 'at', floor(date_part('epoch', part.at))::bigint)
      ORDER BY part.name_key, part.rule, part.at DESC, part.what) FILTER (WHERE part.rule IS NOT NULL), '[]') AS parts
  FROM seed_leads l LEFT JOIN (
    SELECT f.id AS lead, r.id AS rule, r.name, r.name_key, r.points, f.created_at AS at, NULL::uuid AS what,
      r.field || ' is "' || CASE r.field WHEN 'EMPLOYEES' THEN f.employees::text WHEN 'SOURCE' THEN f.source
        WHEN 'PHONE' THEN f.phone ELSE '' END || '"' AS reason
    FROM kontor.leads f CROSS JOIN kontor.score_rules r
    WHERE f.tenant_id = '{tenant}' AND r.tenant_id = '{tenant}' AND CASE r.field WHEN 'EMPLOYEES' THEN f.employees >= r.value::int
      WHEN 'SOURCE' THEN f.source = r.value WHEN 'PHONE' THEN f.phone IS NOT NULL WHEN 'DOMAIN' THEN f.domain IS NULL END
    UNION ALL
    SELECT a.lead_id, r.id, r.name, r.name_key, r.points, a.done_at, a.id, r.event
    FROM kontor.activities a JOIN kontor.score_rules r ON r.event = a.kind AND (r.direction IS NULL OR r.direction = a.direction)
    WHERE a.tenant_id = '{tenant}' AND r.tenant_id = '{tenant}' AND a.lead_id IS NOT NULL AND a.done_at IS NOT NULL
  ) AS part ON part.lead = l.id
  GROUP BY l.id
) AS scored;

UPDATE kontor.leads l SET score_key = s.score FROM kontor.lead_scores s
WHERE l.tenant_id = '{tenant}' AND s.tenant_id = '{tenant}' AND s.id = l.id AND s.score > 0;
