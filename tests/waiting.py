"""What the tests of running programs share: they ask over HTTP, and wait for what is to come."""

import json
import time
import urllib.error
import urllib.request


def get(url, timeout=10):
    """The status and the text of an answer, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def get_json(url):
    status, body = get(url)
    assert status == 200, (url, status, body)
    return json.loads(body)


def wait_until(what, condition, seconds=30, passing=(OSError,)):
    """Until `condition` holds. While it raises one of `passing`, it does not hold yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except passing:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")
