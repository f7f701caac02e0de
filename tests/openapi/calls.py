"""Calls every path of docs/openapi.json with values that are right and values that are wrong.

The description is the oracle: a body that its schema accepts must be accepted, any other one
refused; an answer must have a status that stands there. Rules are made, changed, tested, removed,
and used after that.
"""

import datetime
import http.client
import itertools
import json
import urllib.parse

import jsonschema_rs

ANYTHING = [
    None, True, False, 0, -1, 1, 1.5, 1e308, -0.0, 2**31, 2**53, 2**63 - 1, -(2**63), 2**63,
    2**64 - 1, 2**64, "", "1", "1000000", "a" * 101, "\u0000", "\u00e9" * 100, "\U0001f600",
    "http://a/", "http://u@a/", [], [None], [True], [[]], ["1"], [1, -1], [1.5], [{}], [1, "a"],
    [1] * 1001, [2**63], {}, {"a": 1}, {"0": [1]},
]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
COMMON = {"name": "r", "influencers": [1001, 1000], "url": "http://127.0.0.1:9/x"}
RULES = [
    {"kind": "threshold", "metric": "followers", "direction": "above", "value": 1,
     "hysteresis": 0, "enabled": True, "cool_down_minutes": 5, "secret": SECRET},
    {"kind": "relative", "metric": "following", "direction": "either", "count": 5,
     "percent": 2.5, "window_minutes": 60},
    {"kind": "milestone", "every": 10},
    {"kind": "milestone", "values": [10, 20], "every": None},
    {"kind": "rank", "direction": "enters", "rank": 10},
    {"kind": "verdict", "direction": "clear"},
]
ALERTS = "/api/v1/alerts"
WRONG_TEXTS = ["", " ", "x", "-1", "1.5", "1e3", "0x10", "\u0000", "%", "\u00e9", "9" * 30,
               "18446744073709551616", "null", "[]", "{}", "2026-02-30T00:00:00Z",
               "2026-01-01T25:00:00Z", "2026-01-01", "-1h", "nan", "inf", "../..", "a" * 3000]
FORM = "application/x-www-form-urlencoded"
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]


class Server:
    def __init__(self, host, port, document):
        self.host, self.port = host, port
        self.document = document
        self.findings = []
        self.count = 0

    def call(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            connection.request(method, target, body, headers or {})
            reply = connection.getresponse()
            is_stream = reply.getheader("content-type", "") == "text/event-stream"
            return reply, b"" if is_stream else reply.read()
        finally:
            connection.close()

    def find(self, what, body=b""):
        self.findings.append(f"{what} {body[:300]!r}")

    def responses(self, path, method):
        operation = self.document["paths"][path].get(method.lower().replace("head", "get"))
        return operation["responses"].keys() if operation else None

    def check(self, path, method, target, body=None, headers=None, expect=None):
        """Calls, and compares the status with the description and with what is expected."""
        self.count += 1
        what = f"{method} {target[:200]} {str(body)[:300] if body else ''}"
        try:
            reply, said = self.call(method, target, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.find(f"{what}: {error!r}")
            return None, b""
        known = self.responses(path, method)
        if known is None:
            if reply.status not in (400, 405, 501) or (
                    reply.status == 405 and not reply.getheader("allow")):
                self.find(f"{what}: {reply.status} for a method that is not there", said)
        elif str(reply.status) not in known:
            self.find(f"{what}: {reply.status} is not in {sorted(known)}", said)
        if reply.status >= 500 and reply.status != 503:
            self.find(f"{what}: {reply.status}", said)
        if expect and reply.status not in expect:
            self.find(f"{what}: {reply.status}, expected {expect}", said)
        return reply, said

    def change(self, method, target, value, expect=None):
        """`value` is sent as JSON, bytes as they are."""
        path = ALERTS if target == ALERTS else ALERTS + "/{id}" + (
            "/test" if target.endswith("/test") else "")
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.check(path, method, target, body, {"Content-Type": "application/json"}, expect)


def validator(document, schema):
    return jsonschema_rs.validator_for({**schema, "components": document["components"],
                                        "$schema": "https://json-schema.org/draft/2020-12/schema"})


def input_schema(document, path, method):
    content = document["paths"][path][method]["requestBody"]["content"]
    return validator(document, content["application/json"]["schema"])


def goes_beyond_the_schema(value, is_new):
    """What no schema says: a new rule needs an address, and a threshold's way back must exist."""
    if is_new and not value.get("url"):
        return True
    level, back = value.get("value"), value.get("hysteresis") or 0
    if value["kind"] != "threshold":
        return False
    return back > (level if value["direction"] == "above" else 2**53 - 1 - level)


def expected(schema, value, accepted):
    """A number beyond 64 bits may end the reading of the whole body, wherever it stands."""
    if str(2**64) in json.dumps(value):
        return [accepted, 400]
    if not schema.is_valid(value) or goes_beyond_the_schema(value, accepted == 201):
        return [400]
    return [accepted]


def bodies():
    """Every kind of rule, with anything in place of each member, without each, with one more."""
    for own in RULES:
        rule = {**COMMON, **own}
        yield rule
        for member in list(rule) + ["nobody", "id", "signed", "rank", "values", "every"]:
            for value in ANYTHING:
                yield {**rule, member: value}
            yield {name: value for name, value in rule.items() if name != member}
    yield from ANYTHING


def check_rules(server):
    """One rule that takes every body by PUT, and whatever POST makes is removed again."""
    post = input_schema(server.document, ALERTS, "post")
    put = input_schema(server.document, ALERTS + "/{id}", "put")
    _, said = server.change("POST", ALERTS, {**COMMON, **RULES[0]}, [201])
    one = f"{ALERTS}/{json.loads(said)['id']}"
    for number, body in enumerate(bodies()):
        if isinstance(body, dict) and body.get("url", COMMON["url"]) != COMMON["url"]:
            # A signed rule takes another URL only with a secret for it.
            moved = {"secret": SECRET, **body}
            server.change("PUT", one, moved, expected(put, moved, 200))
            server.change("PUT", one, {**COMMON, **RULES[0]}, [200])
        else:
            server.change("PUT", one, body, expected(put, body, 200))
        if number % 3 and body not in RULES:
            continue
        reply, said = server.change("POST", ALERTS, body, expected(post, body, 201))
        if reply is not None and reply.status == 201:
            server.change("DELETE", reply.getheader("location"), {}, [204])
    for text in (b"", b" ", b"{", b"nul", b'{"kind":', b"\xff\xfe", b"[" * 2000, b'{"a":1}{"b":2}',
                 b'{"kind":"rank","kind":"rank"}'):
        server.change("POST", ALERTS, text, [400])
        server.change("PUT", one, text, [400])
    server.change("DELETE", one, {}, [204])


def check_life_of_a_rule(server):
    for own in RULES:
        reply, said = server.change("POST", ALERTS, {**COMMON, **own}, [201])
        one, made = reply.getheader("location"), json.loads(said)
        validate = validator(server.document, {"$ref": "#/components/schemas/AlertRule"})
        if not validate.is_valid(made):
            server.find(f"{one} is not an AlertRule", said)
        _, read = server.check(ALERTS + "/{id}", "GET", one, expect=[200])
        if json.loads(read) != made:
            server.find(f"{one} reads as another rule", read)
        server.change("PUT", one, made, [200])
        server.change("PUT", one, {**COMMON, **RULES[5], "name": "changed"}, [200])
        server.change("POST", one + "/test", {}, [200])
        server.change("DELETE", one, {}, [204])
        number = one.rsplit("/", 1)[1]
        server.check(ALERTS + "/{id}", "GET", one, expect=[404])
        server.change("PUT", one, made, [404])
        server.change("DELETE", one, {}, [404])
        server.change("POST", one + "/test", {}, [404])
        server.check(ALERTS + "/log", "GET", f"{ALERTS}/log?rule={number}", expect=[200])


def instants(minutes_ago):
    """The forms in which a time may be written."""
    now = datetime.datetime.now(datetime.timezone.utc)
    then = now - datetime.timedelta(minutes=minutes_ago)
    local = then.astimezone(datetime.timezone(datetime.timedelta(hours=2)))
    return [str(int(then.timestamp())), f"{then.timestamp():.2f}",
            then.strftime("%Y-%m-%dT%H:%M:%SZ"), then.strftime("%Y-%m-%dT%H:%M:%S.5Z"),
            local.strftime("%Y-%m-%dT%H:%M:%S+02:00")]


def resolved(document, schema):
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    return document["components"]["schemas"][name] if name else schema


def parameters_of(document, operation):
    """Those of the query and of the form, which is read in the same way."""
    form = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
    members = [{"name": name, "in": "query", "schema": schema,
                "required": name in form.get("required", [])}
               for name, schema in form.get("properties", {}).items()]
    return [{**one, "schema": resolved(document, one.get("schema", {}))}
            for one in [*operation.get("parameters", []), *members]]


def right_values(parameter):
    """Values that the description calls right, for each parameter."""
    name, schema = parameter["name"], parameter["schema"]
    if name in ("end", "end_time"):
        return instants(minutes_ago=1)
    if name in ("start", "start_time", "at", "time", "since"):
        return instants(minutes_ago=60)
    if "enum" in schema:
        return [str(word) for word in schema["enum"]]
    if schema.get("type") == "integer":
        least, most = schema.get("minimum", 0), schema.get("maximum", 2**53)
        return [str(value) for value in sorted({least, min(least + 1, most), most})]
    known = {"step": ["1m", "5m", "60s", "3600"], "prefix": ["influ", "1", "\u00e9"],
             "influencers": ["1000,1001", "1000,1001,1099"], "metric": ["influencer_rank"],
             "query": ["influencer_follower_count", "1+1", 'influencer_rank{id="1000"}'],
             "match[]": ['influencer_rank{id="1000"}']}
    return known.get(name, [])


def needed(parameters):
    """The least that a call must have."""
    given = {}
    for parameter in parameters:
        if parameter["in"] == "query" and parameter.get("required"):
            given[parameter["name"]] = (right_values(parameter) or ["1"])[0]
    return given


def path_of(path):
    name = "id" if "{name}" in path else "x"
    return path.replace("{id}", "1005").replace("{name}", name)


def call_with(server, path, method, given, expect=None):
    """Sends what is given in the query, or as the form that the operation takes."""
    operation = server.document["paths"][path][method]
    if FORM in operation.get("requestBody", {}).get("content", {}):
        server.check(path, method.upper(), path_of(path), urllib.parse.urlencode(given),
                     {"Content-Type": FORM}, expect)
    else:
        server.check(path, method.upper(), url_of(path, given), expect=expect)


def url_of(path, given):
    query = urllib.parse.urlencode(given)
    return path_of(path) + ("?" + query if query else "")


def may_be_absent(path):
    """Paths whose answer is 404 or late because the demo has just begun."""
    return [404, 410, 503] if path.startswith(("/assets", ALERTS)) or path == "/readyz" else [503]


def check_parameters(server):
    for path, item in server.document["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {"content": {FORM: {}}})
            if method not in ("get", "post") or FORM not in body["content"]:
                continue
            query = [p for p in parameters_of(server.document, operation) if p["in"] == "query"]
            good = [200, 422, *may_be_absent(path)]
            call_with(server, path, method, needed(query), good)
            for parameter in query:
                for value in right_values(parameter):
                    call_with(server, path, method, {**needed(query), parameter["name"]: value},
                              good)
                for value in WRONG_TEXTS:
                    call_with(server, path, method, {**needed(query), parameter["name"]: value})
                pairs = [*needed(query).items(), (parameter["name"], "1"), (parameter["name"], "2")]
                call_with(server, path, method, pairs)
            if not path.startswith("/prometheus"):
                given = {**needed(query), "nobody": "1"}
                server.check(path, method.upper(), url_of(path, given), expect=[400])


def check_ids(server):
    wrong = ["x", "-1", "1.5", "9223372036854775808", "9" * 30, "%00", "%", "%zz", "%2F", "1%20"]
    for path, item in server.document["paths"].items():
        if "{id}" not in path:
            continue
        for method, text in itertools.product(item, wrong):
            target = path.replace("{id}", text)
            server.check(path, method.upper(), target, "{}", {"Content-Type": "application/json"})


def check_methods(server):
    for path, method in itertools.product(server.document["paths"], METHODS):
        parameters = parameters_of(server.document, server.document["paths"][path].get("get", {}))
        server.check(path, method, url_of(path, needed(parameters)), None, {"Content-Length": "0"})


def check_all(host, port, document):
    server = Server(host, port, document)
    for part in (check_life_of_a_rule, check_rules, check_parameters, check_ids, check_methods):
        before, found = server.count, len(server.findings)
        part(server)
        print(f"{part.__name__}: {server.count - before} calls, "
              f"{len(server.findings) - found} findings", flush=True)
    return server.findings
