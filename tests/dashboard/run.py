"""Runs dashboard.mjs against the program: run.py PROGRAM BUILD_DIR. Exit status 77 is a skip."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from webhook_receiver import SECRET, WebhookReceiver  # noqa: E402

SKIP = 77
FIRST, COUNT = 1_000_000, 200


def main(program, build):
    missing = build.parents[1] / 'node_missing.txt'
    if missing.exists():
        print(f'SKIPPED: {missing.read_text().strip()}')
        return SKIP
    if not shutil.which('chromium'):
        print('SKIPPED: there is no chromium; apt-get install chromium')
        return SKIP
    build.mkdir(parents=True, exist_ok=True)
    for path in HERE.glob('*.mjs'):
        shutil.copy(path, build)
    with tempfile.TemporaryDirectory() as data:
        return against_demo(program, build, data)


# What comes before is shown as such, but is an error in the browser's console.
def wait_for_values(page):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(page + 'api/v1/summary', timeout=10) as reply:
                if json.load(reply)['with_value'] == COUNT:
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError('The demo has no values.')


def against_demo(program, build, data):
    receiver = WebhookReceiver()
    environment = os.environ | {'IA_API_TOKEN': 'the-token-of-this-test', 'WEBHOOK_SECRET': SECRET,
                                'WEBHOOK_URL': receiver.url}
    command = [program, 'demo', '--influencers', f'{FIRST}-{FIRST + COUNT - 1}', '--data-dir', data,
               '--listen', '127.0.0.1:0', '--alert-allow-private', 'on']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        try:
            for line in demo.stdout:
                if page := re.match(r'page\s+(http://\S+/)', line):
                    wait_for_values(page[1])
                    node = build.parents[1] / 'node_modules/.bin/node'
                    test = [node, 'dashboard.mjs', page[1], shutil.which('chromium')]
                    failed = subprocess.run(test, cwd=build, check=False, env=environment)
                    return failed.returncode or told_wrong(receiver)
            print('The demo ended before it named its page.')
            return 1
        finally:
            demo.terminate()
            receiver.close()


# Whether the test and an alert of the rule that the page made came as its secret signs them.
def told_wrong(receiver):
    kinds = {message['type'] for _, message, _, _ in receiver.received}
    if kinds == {'alert.test', 'alert.relative'} and not receiver.complaints:
        return 0
    print(f'The webhook got {kinds}; wrong signatures: {receiver.complaints[:3]}')
    return 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve()))
