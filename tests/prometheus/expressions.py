"""What compare_test.py asks: expressions that mean the same here and in Prometheus, those that both
refuse, and those that differ, each with its line of docs/grafana.md."""

import itertools
import random

FOLLOWERS = "influencer_follower_count"
FOLLOWING = "influencer_following_count"
RATIO = "influencer_follower_ratio"
IDS = "|".join(str(i) for i in range(1000, 1012))
ALL = f'{FOLLOWERS}{{id=~"{IDS}"}}'
SOME = f'{FOLLOWERS}{{id=~"1000|1001|1005|1006|1009"}}'
ONE = f'{FOLLOWERS}{{id="1000"}}'
OTHER = f'{FOLLOWING}{{id=~"1000|1005|1010"}}'
NAMED = f'{RATIO}{{username=~"name-1002|name-1010"}}'
NONE = f'{FOLLOWERS}{{id="7"}}'
MINUTES = ["influencers_due", "influencers_stored", "influencers_coverage_ratio",
           "influencers_follower_count_total", "influencers_following_count_total",
           "influencers_follower_count_average"]
VECTORS = [ALL, SOME, ONE, OTHER, NAMED, NONE, "influencers_missed", MINUTES[1]]
OVER_TIME = ["avg", "min", "max", "sum", "count", "last"]
WINDOWS = ["1m", "5m", "7m30s", "1h", "90s", "1ms", "2h", "1d"]
NUMBERS = ["0", "1", "-1", "+1", ".5", "5.", "1e3", "1E-3", "0x1F", "0XfF", "010", "09", "1e-400",
           "9223372036854775807", "9223372036854775808", "NaN", "nan", "Inf", "-inf", "+INF",
           "1.7976931348623157e308"]
STRINGS = ['"a"', "'a'", "`a\\n`", '"\\n\\t\\\\\\""', "'\\''", '"\\x41\\101\\u00e9\\U0001F600"']
ARITHMETIC = ["+", "-", "*", "/", "%"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]


def numbers():
    yield from NUMBERS
    yield from STRINGS
    yield from ["1+1", "2 + 3 * 4 - 6 / 2 % 2", "-(2 - 5)", "1 - 2 - 3", "1 / 0", "0 / 0", "-1 % 3",
                "5 % -3", "1 == bool 1", "1 > BOOL 2", "NaN == bool NaN", "- - 1", "(((1)))",
                "1 # a comment", "1\n+\t1", "2 * -3", "1 < bool 2 == bool 1"]


def selectors():
    yield from VECTORS
    yield from MINUTES
    yield from [f"({ONE})", f"+{ONE}", f"-{SOME}", f'{{__name__="{FOLLOWERS}",id="1000"}}',
                f'{FOLLOWERS}{{id="1000",}}', f"{FOLLOWERS}{{id='1000'}}",
                f"{FOLLOWERS}{{id=`1000`}}", f'{FOLLOWERS}{{id="\\x31000"}}',
                f'{FOLLOWERS}{{id="1000",username="name-1000"}}',
                f'{FOLLOWERS}{{id="1000",username!="name-1000"}}',
                f'{FOLLOWERS}{{id=~"(1000|1001)"}}',
                f'{FOLLOWERS}{{id=~"1000|1001",username=~".+"}}',
                f'{FOLLOWERS}{{id=~"1000|1001",username=~".*"}}',
                f'{FOLLOWERS}{{id=~"1000|1001",username!~".+"}}',
                f'{FOLLOWERS}{{id=~"1000|1001|1002",id!="1001"}}',
                f'{FOLLOWERS}{{id=~"1000|1001|1002",id!~"1001|1002"}}',
                f'{FOLLOWERS}{{id="1000",nothing=""}}', f'{FOLLOWERS}{{id="1000",nothing!="x"}}',
                f'{FOLLOWERS}{{id="1000",nothing="x"}}', f'{FOLLOWERS}{{id="1000",id="1001"}}',
                f'{FOLLOWERS}{{id="01000"}}',
                'influencers_missed{reason="down"}', 'influencers_missed{reason!="down"}',
                'influencers_missed{reason=~"down|timeout"}', 'influencers_missed{reason!~"down"}',
                "nobodys_metric", "sum", 'nobodys:metric{a="b"}']
    for vector, offset in itertools.product([SOME, "influencers_due"],
                                            ["1m", "10m", "-5m", "1h30m", "1ms", "1d"]):
        yield f"{vector} offset {offset}"
    yield f"{ONE} OFFSET 5m"


def windows():
    for function, window in itertools.product(OVER_TIME, WINDOWS):
        yield f"{function}_over_time({SOME}[{window}])"
    for function, vector in itertools.product(OVER_TIME, [ALL, OTHER, NAMED, "influencers_missed"]):
        yield f"{function}_over_time({vector}[10m])"
    for function in OVER_TIME:
        yield f"{function}_over_time({ONE}[5m] offset 10m)"
        yield f"{function}_over_time(({ONE}[5m]))"
    for vector in [ONE, SOME, OTHER, "influencers_stored"]:
        yield f"deriv({vector}[20m])"
    yield f"count_over_time({ONE}[ 5m ])"


def raw_windows():
    """By query only."""
    yield from [f"{ONE}[5m]", f"{SOME}[3m]", f"({ONE}[1h])", f"{ONE}[5m] offset 30m", f"{NONE}[5m]",
                "influencers_due[10m]", "influencers_missed[2m]", f"{ONE}[1s]"]


def aggregations():
    for function, vector in itertools.product(["sum", "avg", "min", "max", "count"], VECTORS):
        yield f"{function}({vector})"
    for function in ["sum", "avg", "min", "max", "count"]:
        yield f"{function} by (username) ({ALL})"
        yield f"{function}({ALL}) without (id)"
        yield f"{function} by () ({SOME})"
        yield f"{function.upper()} BY (id,) ({SOME})"
        yield f"{function} by (__name__) ({SOME})"
        yield f"{function} without () ({SOME})"
        yield f"{function} by (nothing) ({SOME})"
        yield f"{function} without (id, username) ({ALL})"
        yield f"{function}({SOME} % 0)"
        yield f"{function}(({SOME} - 5) / ({SOME} - 5))"
        yield f"{function}({ALL} * 1e300)"
        yield f"{function}({SOME} / 0)"
        yield f"{function}(-{SOME} / 0)"
        yield f"{function}(influencers_missed)"
    for function, count in itertools.product(
            ["topk", "bottomk", "TopK"],
            ["1", "3", "0", "-1", "2.9", "100", "1 + 1", "-(-2)", "0x2"]):
        yield f"{function}({count}, {SOME})"
    for function in ["topk", "bottomk"]:
        yield f"{function}(1, {SOME}) by (username)"
        yield f"{function} without (id) (1, {SOME})"
        yield f"{function}(2, {SOME} % 0)"
        yield f"{function}(2, ({SOME} - 5) / ({SOME} - 5))"
        yield f"sum({function}(2, {SOME}))"
        yield f"{function}(2, {SOME}) * 2"
        yield f"{function}(2, {OTHER})"


def operations():
    for operator, (left, right) in itertools.product(
            ARITHMETIC, [(SOME, "3"), ("3", SOME), (SOME, SOME), (SOME, OTHER), (OTHER, "0"),
                         (ONE, "-2.5"), (NAMED, NAMED)]):
        yield f"{left} {operator} {right}"
    for operator, (left, right) in itertools.product(
            COMPARISONS, [(SOME, "50000"), ("50000", SOME), (SOME, SOME), (SOME, OTHER)]):
        yield f"{left} {operator} {right}"
        yield f"{left} {operator} bool {right}"
    yield from [f"abs(-{SOME})", f"abs({ONE} - 60000)", f"-{SOME} + {SOME}", f"--{ONE}",
                f"sum({SOME}) / count({SOME})", f"{SOME} > 5 < 60000", f"({SOME} > 5) + 1",
                f"{ONE} / {ONE} - 1", f"{SOME} + NaN", f"{SOME} == NaN", f"{SOME} != bool NaN",
                f"avg({SOME}) - min({SOME})", f"sum by (id) ({SOME}) + sum by (id) ({OTHER})",
                "influencers_stored / influencers_due", "influencers_due - influencers_stored",
                f"{ONE} + {FOLLOWERS}{{id=\"1001\"}}", "influencers_missed > 0",
                f"{SOME} - {SOME} offset 5m", f"max_over_time({ONE}[5m]) - {ONE}"]


REFUSED = [
    "", " ", "(", ")", "1 +", "1 1", "+", "a b", "m{", "m}", "m{a}", "m{a=}", "m{a=b}", 'm{a="b}',
    'm{a="b"', "m{,}", 'm{a="b",,c="d"}', 'm{a:b="c"}', "{}", '{a=""}', 'm{__name__="m"}',
    'm{__name__!="x"}', '{a=~".*"}', "m[", "m[]", "m[5]", "m[300]", "m[5m", "m[5m1h]", "m[1h1h]",
    "m[1.5h]", "m[0s]", "m[-5m]", "m[5x]", "m[5m][5m]", "(m)[5m]", "1[5m]", "m offset",
    "m offset 1", "m offset 0", "m offset 5", "m offset 5m1h", "m offset 0s", "m offset +5m",
    "m offset 5m offset 5m", "m offset 5m[5m]", "(m) offset 5m", "1 offset 5m", "sum(m) offset 5m",
    "-m[5m]", "+m[5m]", "m[5m] + 1", "1 + m[5m]", "sum(m[5m])", "sum(1)", 'sum("a")', "sum()",
    "sum(m, m)", "sum m", "sum by (m)", "sum by id (m)", "sum by (a:b) (m)", "sum by (1) (m)",
    "sum by (a) (m) by (a)", "sum by (a) (m) without (b)", "topk(m)", "topk(1)", "topk(m, m)",
    'topk("a", m)', "topk(1, 2)", "topk(NaN, influencers_due)", "topk(Inf, influencers_due)",
    "topk(1e19, influencers_due)", "abs(1)", "abs()", "abs(m, m)", "abs(m,)", "abs(m[5m])",
    'abs("a")', "ABS(m)", "rate(m)", "rate(1)", "deriv(m)", "avg_over_time(m)",
    "nosuchfunction(m)", "1 == 1", "1 < 2", "1 + bool 2", "m + bool 1", '"a" + 1', '1 + "a"',
    '-"a"', '"a" == "a"', "bool", "0x", "0x1.8", "1e", "1e400", "1_000", "5m", "1.2.3", "1x", ".",
    "0xFFFFFFFFFFFFFFFF", '"\\\'"', '\'\\"\'', '"\\."', '"\\x4"', '"\\400"', '"\\ud800"', '"a\nb"',
    '"', "`", "'a", 'm{a=="b"}', 'm{a~"b"}', 'm{a="b" c="d"}', 'm{1="b"}', "1 &", "$x", "m @",
    "a ? b", 'm{a="\\q"}']
REFUSED_OVER_TIME = [f"{ONE}[5m]", '"a"', f"({ONE}[5m])"]

# (theirs, here): "refused", or the expression that means here what theirs means there.
DIFFERS = {
    "delta, increase and rate": [
        (f"last_over_time({ONE}[10m]) - ({ONE} offset 10m)", f"delta({ONE}[10m])"),
        (f"last_over_time({ONE}[10m]) - ({ONE} offset 10m)", f"increase({ONE}[10m])"),
        (f"(last_over_time({ONE}[10m]) - ({ONE} offset 10m)) / 600", f"rate({ONE}[10m])")],
    "a selector names its metric": [
        ('{id="1000"}', "refused"), (FOLLOWERS, "refused"), (f"max({FOLLOWERS})", "refused"),
        (f'{{__name__=~"{FOLLOWERS}|{FOLLOWING}"}}', "refused")],
    "of regular expressions": [
        (f'{FOLLOWERS}{{id=~"100[01]"}}', "refused"), (f'{FOLLOWERS}{{id=~"100.*"}}', "refused")],
    "no `^`": [
        (f"{ONE} ^ 2", "refused"), (f"{ONE} and {ONE}", "refused"), (f"{ONE} or {ONE}", "refused"),
        (f"{ONE} unless {ONE}", "refused"), (f"{ONE} + on(id) {ONE}", "refused"),
        (f"{ONE} + ignoring(username) {ONE}", "refused"), (f"{ONE}[5m:1m]", "refused"),
        (f"{ONE} @ 1767229200", "refused"), (f"quantile(0.5, {SOME})", "refused"),
        (f"stddev({SOME})", "refused"), (f"group({SOME})", "refused"),
        (f'count_values("x", {SOME})', "refused"), (f"ceil({ONE})", "refused"),
        (f"irate({ONE}[5m])", "refused"), ("time()", "refused"), ("vector(1)", "refused")],
    "more than 32 deep": [("(" * 40 + "1" + ")" * 40, "refused")],
}


def instant():
    """Those that have the same value at one time."""
    return list(dict.fromkeys(itertools.chain(
        numbers(), selectors(), windows(), raw_windows(), aggregations(), operations())))


def over_time():
    """Those that are asked for over a time, too. Of equal values, topk may take any."""
    others = set(raw_windows()) | set(STRINGS)
    others |= {one for one in instant() if "k(" in one and ("% 0" in one or "- 5)" in one)}
    return [one for one in instant() if one not in others][::5]


class Maker:
    """Expressions at random: whatever Prometheus understands of our part."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def vector(self, depth):
        choose = self.random.choice
        kind = choose(["selector"] * 3 + ["window", "aggregation", "best", "number", "vectors",
                                          "sign", "abs"]) if depth > 0 else "selector"
        if kind == "selector":
            ids = self.random.sample(range(1000, 1012), self.random.randrange(1, 6))
            words = "|".join(map(str, ids))
            metric = choose([FOLLOWERS, FOLLOWING, RATIO])
            offset = choose(["", "", f" offset {self.random.randrange(1, 90)}m"])
            return f'{metric}{{id=~"{words}"}}{offset}'
        if kind == "window":
            selector, offset = (self.vector(0).split(" offset") + [""])[:2]
            window = f"{self.random.randrange(1, 40)}m"
            ending = f" offset{offset}" if offset else ""
            return f"{choose(OVER_TIME)}_over_time({selector}[{window}]{ending})"
        if kind == "aggregation":
            labels = choose(["", " by (id)", " without (id)", " by (username)", " without ()"])
            function = choose(["sum", "avg", "min", "max", "count"])
            return f"{function}{labels} ({self.vector(depth - 1)})"
        if kind == "best":
            # Of equal values any may be taken: only the sum is the same.
            best = f"{choose(['topk', 'bottomk'])}({self.random.randrange(4)}"
            return f"sum({best}, {self.vector(depth - 1)}))"
        if kind == "sign":
            return f"-({self.vector(depth - 1)})"
        if kind == "abs":
            return f"abs({self.vector(depth - 1)})"
        number = choose(["0", "1", "2.5", "-3", "50000", "NaN", "Inf", "(1 - 3)", "1e300"])
        operator = choose(ARITHMETIC + COMPARISONS + [c + " bool" for c in COMPARISONS])
        sides = [f"({self.vector(depth - 1)})", number]
        if kind == "vectors":
            sides[1] = f"({self.vector(depth - 1)})"
        self.random.shuffle(sides)
        return f"{sides[0]} {operator} {sides[1]}"


def made(seed, count):
    maker = Maker(seed)
    return [maker.vector(3) for _ in range(count)]
