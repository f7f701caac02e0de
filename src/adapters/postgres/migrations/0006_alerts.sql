-- Rules, what they remember, and what fired. The program writes these tables itself: migrate grants
-- it that.
CREATE TABLE ia.alert_rules (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version bigint NOT NULL,
  name text NOT NULL,
  enabled boolean NOT NULL,
  influencers bigint[] NOT NULL,
  kind text NOT NULL,
  metric text NOT NULL,
  direction text NOT NULL,
  level bigint NOT NULL,
  hysteresis bigint NOT NULL,
  basis_points bigint NOT NULL,
  window_minutes bigint NOT NULL,
  milestones bigint[] NOT NULL,
  cool_down_minutes bigint NOT NULL,
  url text NOT NULL,
  secret text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
COMMENT ON TABLE ia.alert_rules IS 'What is watched, and whose webhook hears of it.';
COMMENT ON COLUMN ia.alert_rules.version IS 'Grows with each change: the rule begins anew.';
COMMENT ON COLUMN ia.alert_rules.url IS 'May hold a secret, as the next column does: show neither.';

-- One row. Whoever changes a rule locks it first.
CREATE TABLE ia.alert_revision (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  value bigint NOT NULL DEFAULT 0
);
INSERT INTO ia.alert_revision DEFAULT VALUES;
COMMENT ON COLUMN ia.alert_revision.value IS 'Grows with each change of any rule.';

-- What one process at a time does, by its advisory lock.
CREATE TABLE ia.turns (
  work integer PRIMARY KEY,
  number bigint NOT NULL DEFAULT 0
);
INSERT INTO ia.turns (work) VALUES (7), (8);
COMMENT ON COLUMN ia.turns.work IS '7: alerts, 8: the daily check.';
COMMENT ON COLUMN ia.turns.number IS 'Grows whenever another process begins with it.';

CREATE TABLE ia.alert_states (
  rule bigint NOT NULL,
  influencer_id bigint NOT NULL,
  version bigint NOT NULL,
  side smallint NOT NULL,
  mark bigint NOT NULL,
  fired_at timestamptz NOT NULL,
  PRIMARY KEY (rule, influencer_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE ia.alert_states IS 'What a rule remembers of an influencer.';

CREATE TABLE ia.alert_log (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  webhook_id text NOT NULL UNIQUE,
  rule bigint NOT NULL,
  rule_name text NOT NULL,
  kind text NOT NULL,
  influencer_id bigint NOT NULL,
  fired_at timestamptz NOT NULL,
  sentence text NOT NULL,
  body text NOT NULL,
  outcome smallint NOT NULL,
  attempts bigint NOT NULL,
  tried_at timestamptz NOT NULL,
  next_attempt_at timestamptz NOT NULL,
  status bigint NOT NULL,
  detail text NOT NULL
);
CREATE INDEX alert_log_pending ON ia.alert_log (rule, number) WHERE outcome = 0;
COMMENT ON TABLE ia.alert_log IS 'The newest alerts that fired, and how their delivery stands.';
COMMENT ON COLUMN ia.alert_log.outcome IS
  '0 pending, 1 delivered, 2 refused, 3 gave up, 4 gone, 5 cancelled.';
