-- Who stands elsewhere in a run's audience than on the sheet that was approved: pairs of lines and how many people.
-- Reads only. Indexes: sheet line's foreign key, run_audience_once.
WITH planned AS (
    SELECT exclusion, unnest(member_ids) AS member_id FROM campaigns_sheetline WHERE sheet_id = %(sheet_id)s
), found AS (
    SELECT exclusion, member_id FROM campaigns_runaudience WHERE run_id = %(run_id)s
)
SELECT COALESCE(p.exclusion, 'OUT') AS was, COALESCE(f.exclusion, 'OUT') AS is_now, count(*)
FROM planned p FULL JOIN found f USING (member_id)
WHERE p.exclusion IS DISTINCT FROM f.exclusion
GROUP BY 1, 2 ORDER BY 1, 2
