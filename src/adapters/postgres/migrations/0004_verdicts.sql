-- The network's word on each influencer.
CREATE TABLE ia.verdicts (
  influencer_id bigint PRIMARY KEY,
  suspicious boolean NOT NULL,
  follower_count bigint NOT NULL,
  following_count bigint NOT NULL,
  checked_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  position bigint NOT NULL UNIQUE
);
COMMENT ON TABLE ia.verdicts IS
  'Whether the network finds an influencer suspicious: its newest answer, to these counts.';
COMMENT ON COLUMN ia.verdicts.changed_at IS 'The check that suspicious has been so since.';
COMMENT ON COLUMN ia.verdicts.position IS 'Grows with every verdict stored: for who follows.';

-- Advisory lock 5: positions become visible in their order.
CREATE FUNCTION ia.put_verdicts(
  p_ids bigint[], p_suspicious bigint[], p_followers bigint[], p_following bigint[],
  p_checked timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(18785, 5);
  INSERT INTO ia.verdicts AS v
    SELECT DISTINCT ON (n.id) n.id, n.suspicious <> 0, n.followers, n.following, n.checked_at,
           n.checked_at, n.place + (SELECT coalesce(max(position), 0) FROM ia.verdicts)
    FROM unnest(p_ids, p_suspicious, p_followers, p_following, p_checked)
      WITH ORDINALITY AS n (id, suspicious, followers, following, checked_at, place)
    ORDER BY n.id, n.checked_at DESC
    ON CONFLICT (influencer_id) DO UPDATE
      SET suspicious = excluded.suspicious, follower_count = excluded.follower_count,
          following_count = excluded.following_count, checked_at = excluded.checked_at,
          changed_at = CASE WHEN v.suspicious = excluded.suspicious THEN v.changed_at
                            ELSE excluded.checked_at END,
          position = excluded.position
      WHERE excluded.checked_at > v.checked_at;
END $$;
REVOKE ALL ON FUNCTION ia.put_verdicts FROM PUBLIC;
