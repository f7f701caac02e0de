-- Two more reasons why an influencer was not requested: the network was out, or the disk was full.

INSERT INTO ia.miss_reasons VALUES (9, 'outage'), (10, 'disk_full');

-- The sums are generated columns, which can only be made again.
ALTER TABLE ia.minutes
  DROP COLUMN missed,
  DROP COLUMN due,
  ADD COLUMN missed_outage bigint NOT NULL DEFAULT 0,
  ADD COLUMN missed_disk_full bigint NOT NULL DEFAULT 0;
ALTER TABLE ia.minutes
  ADD COLUMN missed bigint NOT NULL GENERATED ALWAYS AS (
    missed_timeout + missed_connection + missed_rate_limited + missed_server_error
    + missed_not_found + missed_malformed + missed_overrun + missed_clock + missed_down
    + missed_outage + missed_disk_full) STORED,
  ADD COLUMN due bigint NOT NULL GENERATED ALWAYS AS (greatest(due_registered,
    stored + missed_timeout + missed_connection + missed_rate_limited + missed_server_error
    + missed_not_found + missed_malformed + missed_overrun + missed_clock + missed_down
    + missed_outage + missed_disk_full)) STORED;

-- Adds to the accounts of minutes, which must have rows. The changes of misses are one for each
-- minute and reason, negative where a value came. Whoever was counted at the close and comes to a
-- value or miss of its own after it takes that count back.
CREATE OR REPLACE FUNCTION ia.add_to_minutes(
  p_minutes timestamptz[], p_stored bigint[], p_repeats bigint[],
  p_followers_sum bigint[], p_following_sum bigint[],
  p_first_retrieved timestamptz[], p_last_retrieved timestamptz[],
  p_miss_minutes timestamptz[], p_miss_reasons bigint[], p_miss_changes bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH missed AS (
    SELECT x.minute, sum(x.change) AS total,
           sum(x.change) FILTER (WHERE x.reason = 0) AS r0,
           sum(x.change) FILTER (WHERE x.reason = 1) AS r1,
           sum(x.change) FILTER (WHERE x.reason = 2) AS r2,
           sum(x.change) FILTER (WHERE x.reason = 3) AS r3,
           sum(x.change) FILTER (WHERE x.reason = 4) AS r4,
           sum(x.change) FILTER (WHERE x.reason = 5) AS r5,
           sum(x.change) FILTER (WHERE x.reason = 6) AS r6,
           sum(x.change) FILTER (WHERE x.reason = 7) AS r7,
           sum(x.change) FILTER (WHERE x.reason = 8) AS r8,
           sum(x.change) FILTER (WHERE x.reason = 9) AS r9,
           sum(x.change) FILTER (WHERE x.reason = 10) AS r10
    FROM unnest(p_miss_minutes, p_miss_reasons, p_miss_changes) AS x (minute, reason, change)
    GROUP BY 1
  ), account AS (
    SELECT c.*, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10,
           greatest(0, least(m.rest, c.stored + coalesce(x.total, 0))) AS back
    FROM unnest(p_minutes, p_stored, p_repeats, p_followers_sum, p_following_sum,
                p_first_retrieved, p_last_retrieved)
           AS c (minute, stored, repeats, followers_sum, following_sum, first_at, last_at)
    JOIN ia.minutes m ON m.minute = c.minute
    LEFT JOIN missed x ON x.minute = c.minute
  )
  UPDATE ia.minutes m SET
    stored = m.stored + a.stored,
    repeats = m.repeats + a.repeats,
    followers_sum = least(9223372036854775807, m.followers_sum::numeric + a.followers_sum),
    following_sum = least(9223372036854775807, m.following_sum::numeric + a.following_sum),
    first_retrieved_at = CASE WHEN a.stored > 0 THEN least(m.first_retrieved_at, a.first_at)
                         ELSE m.first_retrieved_at END,
    last_retrieved_at = CASE WHEN a.stored > 0 THEN greatest(m.last_retrieved_at, a.last_at)
                        ELSE m.last_retrieved_at END,
    rest = m.rest - back,
    missed_timeout = missed_timeout + coalesce(r0, 0)
      - CASE rest_reason WHEN 0 THEN back ELSE 0 END,
    missed_connection = missed_connection + coalesce(r1, 0)
      - CASE rest_reason WHEN 1 THEN back ELSE 0 END,
    missed_rate_limited = missed_rate_limited + coalesce(r2, 0)
      - CASE rest_reason WHEN 2 THEN back ELSE 0 END,
    missed_server_error = missed_server_error + coalesce(r3, 0)
      - CASE rest_reason WHEN 3 THEN back ELSE 0 END,
    missed_not_found = missed_not_found + coalesce(r4, 0)
      - CASE rest_reason WHEN 4 THEN back ELSE 0 END,
    missed_malformed = missed_malformed + coalesce(r5, 0)
      - CASE rest_reason WHEN 5 THEN back ELSE 0 END,
    missed_overrun = missed_overrun + coalesce(r6, 0)
      - CASE rest_reason WHEN 6 THEN back ELSE 0 END,
    missed_clock = missed_clock + coalesce(r7, 0)
      - CASE rest_reason WHEN 7 THEN back ELSE 0 END,
    missed_down = missed_down + coalesce(r8, 0)
      - CASE rest_reason WHEN 8 THEN back ELSE 0 END,
    missed_outage = missed_outage + coalesce(r9, 0)
      - CASE rest_reason WHEN 9 THEN back ELSE 0 END,
    missed_disk_full = missed_disk_full + coalesce(r10, 0)
      - CASE rest_reason WHEN 10 THEN back ELSE 0 END
  FROM account a WHERE m.minute = a.minute;
END $$;

CREATE OR REPLACE FUNCTION ia.close_minutes(
  p_epoch bigint, p_reason bigint, p_minutes timestamptz[], p_due bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(18785, 1);
  PERFORM ia.expect(p_epoch, p_minutes);
  INSERT INTO ia.minutes (minute, due_registered)
    SELECT unnest(p_minutes), unnest(p_due) ON CONFLICT DO NOTHING;
  UPDATE ia.minutes SET
    closed = true,
    rest = due - stored - missed,
    rest_reason = p_reason,
    missed_timeout = missed_timeout + CASE p_reason WHEN 0 THEN due - stored - missed ELSE 0 END,
    missed_connection =
      missed_connection + CASE p_reason WHEN 1 THEN due - stored - missed ELSE 0 END,
    missed_rate_limited =
      missed_rate_limited + CASE p_reason WHEN 2 THEN due - stored - missed ELSE 0 END,
    missed_server_error =
      missed_server_error + CASE p_reason WHEN 3 THEN due - stored - missed ELSE 0 END,
    missed_not_found =
      missed_not_found + CASE p_reason WHEN 4 THEN due - stored - missed ELSE 0 END,
    missed_malformed =
      missed_malformed + CASE p_reason WHEN 5 THEN due - stored - missed ELSE 0 END,
    missed_overrun = missed_overrun + CASE p_reason WHEN 6 THEN due - stored - missed ELSE 0 END,
    missed_clock = missed_clock + CASE p_reason WHEN 7 THEN due - stored - missed ELSE 0 END,
    missed_down = missed_down + CASE p_reason WHEN 8 THEN due - stored - missed ELSE 0 END,
    missed_outage = missed_outage + CASE p_reason WHEN 9 THEN due - stored - missed ELSE 0 END,
    missed_disk_full =
      missed_disk_full + CASE p_reason WHEN 10 THEN due - stored - missed ELSE 0 END
  WHERE minute = ANY (p_minutes) AND NOT closed;
END $$;
