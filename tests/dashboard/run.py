"""Runs dashboard.mjs against the program: run.py PROGRAM BUILD_DIR. Exit status 77 is a skip."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

SKIP = 77
HERE = pathlib.Path(__file__).parent
FIRST, COUNT = 1_000_000, 200


def main(program, build):
    for tool in ('node', 'npm', 'chromium'):
        if not shutil.which(tool):
            print(f'SKIPPED: there is no {tool}; apt-get install nodejs npm chromium')
            return SKIP
    build.mkdir(parents=True, exist_ok=True)
    for name in ('package.json', 'package-lock.json', 'dashboard.mjs'):
        shutil.copy(HERE / name, build)
    if not (build / 'node_modules/playwright-core').exists():
        command = ['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts']
        if subprocess.run(command, cwd=build, check=False).returncode != 0:
            print('SKIPPED: npm ci failed; is there a network?')
            return SKIP
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
    command = [program, 'demo', '--influencers', f'{FIRST}-{FIRST + COUNT - 1}', '--data-dir', data,
               '--listen', '127.0.0.1:0']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        try:
            for line in demo.stdout:
                if page := re.match(r'page\s+(http://\S+/)', line):
                    wait_for_values(page[1])
                    test = ['node', 'dashboard.mjs', page[1], shutil.which('chromium')]
                    return subprocess.run(test, cwd=build, check=False).returncode
            print('The demo ended before it named its page.')
            return 1
        finally:
            demo.terminate()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
