"""Calls every operation of the description through a Python client that was generated from it.

usage: calls.py CLIENT_FOLDER BASE_URL

The folder holds the package `client`. What an operation takes is read from its signature.
"""

import importlib
import inspect
import pkgutil
import sys
import time
import typing

import httpx

END = int(time.time())
VALUES = {
    "id": 1005, "start": str(END - 600), "end": str(END), "start_time": str(END - 600),
    "prefix": "1", "influencers": "1000,1001", "limit": 3, "query": "influencers_stored",
    "step": "60", "match": ["influencers_missed", "influencers_due"], "name": "reason",
}
COMMON = {"name": "r", "influencers": [1005], "url": "http://127.0.0.1:9/x"}
BODIES = {
    "add_alert": {**COMMON, "kind": "threshold", "direction": "above", "value": 10},
    "replace_alert": {**COMMON, "kind": "rank", "direction": "enters", "rank": 10},
    "prometheus_query_form": {"query": "'a'"},
    "prometheus_query_range_form": {"query": "1", "start": VALUES["start"], "end": VALUES["end"],
                                    "step": "60"},
    "prometheus_series_form": {"match[]": ["influencers_due"]},
    "prometheus_labels_form": {"match[]": ["influencers_due"]},
}
# What a demo that has just begun may answer, too.
LATE = {"ranks": 503, "movers": 503, "readyz": 503, "asset": 404}
LAST = ["alert", "replace_alert", "test_alert", "delete_alert"]  # of the rule that is made first


def operations():
    found = {}
    api = importlib.import_module("client.api")
    for info in pkgutil.walk_packages(api.__path__, "client.api."):
        module = importlib.import_module(info.name)
        if hasattr(module, "sync_detailed"):
            found[info.name.rsplit(".", 1)[1]] = module
    first = ["add_alert"]
    return {name: found[name] for name in
            [*first, *(n for n in found if n not in [*first, *LAST]), *LAST]}


def body_of(name, module):
    """The first of the types that the operation takes whose `kind`, if it has one, is ours."""
    hint = typing.get_type_hints(module.sync_detailed)["body"]
    types = [one for one in (typing.get_args(hint) or [hint]) if hasattr(one, "from_dict")]
    kind = BODIES[name].get("kind", "").capitalize()
    return next(one for one in types if kind in one.__name__).from_dict(BODIES[name])


def arguments(name, module, rule):
    given = {}
    for parameter in inspect.signature(module.sync_detailed).parameters.values():
        key = parameter.name.rstrip("_")
        if key == "client":
            continue
        if key == "body":
            if name in BODIES:
                given["body"] = body_of(name, module)
        elif key == "id" and name in LAST:
            given[parameter.name] = rule.id
        elif parameter.default is inspect.Parameter.empty or key in ("limit", "match"):
            given[parameter.name] = VALUES[key]
    return given


def main(folder, url):
    sys.path.insert(0, folder)
    client = importlib.import_module("client").Client(
        base_url=url, timeout=httpx.Timeout(20))
    failures, count, rule = [], 0, None
    for name, module in operations().items():
        count += 1
        if name == "stream":  # it never ends, so it is only begun
            with httpx.stream(**module._get_kwargs() | {"url": url + "/api/v1/stream"}) as reply:
                if reply.status_code != 200:
                    failures.append(f"stream: {reply.status_code}")
            continue
        try:
            reply = module.sync_detailed(client=client, **arguments(name, module, rule))
        except Exception as error:  # whatever the generated code makes of an answer
            failures.append(f"{name}: {error!r}")
            continue
        if name == "add_alert":
            rule = reply.parsed
        if reply.status_code not in (200, 201, 204, LATE.get(name)):
            failures.append(f"{name}: {reply.status_code} {reply.content[:300]}")
        elif reply.headers.get("content-type", "") == "application/json" and name != "openapi" \
                and reply.parsed is None:
            failures.append(f"{name}: nothing was made of {reply.content[:300]}")
    print(f"Python: {count} operations called, {len(failures)} failures")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
