-- Count who of a run's audience lives where, for its report, which outlives the audience. A repeat changes nothing.
-- Locks: nothing that exists; the new rows only. Indexes: run_audience_once, member's primary key.
INSERT INTO campaigns_runplace (run_id, variant, city, store_id, people_count)
SELECT a.run_id, a.variant, COALESCE(m.city, ''), m.home_store_id, count(*)
FROM campaigns_runaudience a LEFT JOIN members_member m ON m.id = a.member_id
WHERE a.run_id = %(run_id)s AND a.exclusion = ''
GROUP BY 1, 2, 3, 4
ON CONFLICT DO NOTHING
