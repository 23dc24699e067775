-- How many of the judged audience a cap would hold back now, by first reason in published order.
-- Reads only; {judged} is the temporary table of queries.audience. Indexes: member's primary key, cap_phone.
WITH phones AS (
    SELECT m.phone_hash FROM {judged} j JOIN members_member m ON m.id = j.member_id WHERE j.exclusion = ''
), lately AS (
    SELECT p.phone_hash,
           count(*) FILTER (WHERE c.at > %(now)s - interval '24 hours') AS day_count,
           count(*) AS week_count,
           bool_or(c.fingerprint = %(fingerprint)s AND c.at > %(now)s - make_interval(hours => %(same_text_hours)s))
               AS same_text
    FROM phones p JOIN delivery_capentry c USING (phone_hash)
    WHERE c.at > %(now)s - interval '7 days'
    GROUP BY p.phone_hash
)
SELECT reason, count(*) FROM (
    SELECT CASE WHEN day_count >= %(day_cap)s THEN 'CAP_DAY'
                WHEN same_text THEN 'SAME_TEXT'
                WHEN week_count >= %(week_cap)s THEN 'CAP_WEEK' END AS reason
    FROM lately
) held WHERE reason IS NOT NULL GROUP BY reason
