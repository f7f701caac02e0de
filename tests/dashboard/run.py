"""The dashboard's tests: a small demo that all of them look at, and a test for each view.

usage: run.py start PROGRAM DIRECTORY    starts the demo, and returns once it has all values
       run.py view NAME DIRECTORY        runs NAME.mjs against it, in DIRECTORY/screens
       run.py stop DIRECTORY

The demo ends with the process that ran `start`, that is ctest, if nobody stops it before. Exit
status 77 is a skip.
"""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from webhook_receiver import SECRET, WebhookReceiver  # noqa: E402

SKIP = 77
FIRST, COUNT = 1_000_000, 200
TOKEN = 'the-token-of-this-test'
VALUES_WITHIN = 240  # seconds: two minutes begin, and the machine may be loaded


def why_not(directory):
    missing = directory.parent / 'node_missing.txt'
    if missing.exists():
        return missing.read_text(encoding='utf-8').strip()
    return None if shutil.which('chromium') else 'there is no chromium: apt-get install chromium'


# ---- the demo

# A view without values is shown as such, but is an error in the browser's console; and there are
# risers and fallers from the second minute on.
def has_values(summary):
    return summary['with_value'] == COUNT and any(summary['movers_since'].values())


def wait_for_values(page):
    end = time.monotonic() + VALUES_WITHIN
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(page + 'api/v1/summary', timeout=10) as reply:
                if has_values(json.load(reply)):
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f'The demo has no values after {VALUES_WITHIN} s.')


def page_of(demo):
    for line in demo.stdout:
        if page := re.match(r'page\s+(http://\S+/)', line):
            return page[1]
    raise RuntimeError('The demo ended before it named its page.')


# Returns once any of these processes has ended, or this one is told to end.
def wait_for_end_of(*pids):
    told, tell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(tell)
    signal.signal(signal.SIGTERM, lambda *_: None)
    poll = select.poll()
    for fd in [told, *map(os.pidfd_open, pids)]:
        poll.register(fd, select.POLLIN)
    poll.poll()


def serve(program, directory, owner):
    with tempfile.TemporaryDirectory(prefix='ia_dashboard.') as data:
        command = [program, 'demo', '--influencers', f'{FIRST}-{FIRST + COUNT - 1}',
                   '--data-dir', data, '--listen', '127.0.0.1:0', '--spread', '0s',
                   '--alert-allow-private', 'on']
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                              env=os.environ | {'IA_API_TOKEN': TOKEN}) as demo:
            try:
                page = page_of(demo)
                wait_for_values(page)
                state = {'pid': os.getpid(), 'page': page}
                (directory / 'demo.json').write_text(json.dumps(state), encoding='utf-8')
                os.close(1)  # `start` waits for it
                wait_for_end_of(owner, demo.pid)
            finally:
                (directory / 'demo.json').unlink(missing_ok=True)
                demo.terminate()
    return 0


def start(program, directory):
    if reason := why_not(directory):
        print(f'SKIPPED: {reason}')
        return SKIP
    stop(directory)
    screens = directory / 'screens'
    screens.mkdir(parents=True, exist_ok=True)
    for path in HERE.glob('*.mjs'):
        shutil.copy(path, screens)
    log = directory / 'demo.log'
    command = [sys.executable, __file__, 'serve', program, directory, str(os.getppid())]
    with log.open('w', encoding='utf-8') as errors:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=errors, start_new_session=True)
    server.stdout.read()
    if (directory / 'demo.json').exists():
        return 0
    print(f'The demo did not start:\n{log.read_text(encoding="utf-8")}')
    return 1


def stop(directory):
    try:
        state = json.loads((directory / 'demo.json').read_text(encoding='utf-8'))
        server = os.pidfd_open(state['pid'])
        signal.pidfd_send_signal(server, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    ended = select.poll()
    ended.register(server, select.POLLIN)
    return 0 if ended.poll(30_000) else 1


# ---- a view

# Whether the test and an alert of the rule that the page made came as its secret signs them.
def told_wrong(receiver):
    kinds = {message['type'] for _, message, _, _ in receiver.received}
    if kinds == {'alert.test', 'alert.relative'} and not receiver.complaints:
        return 0
    print(f'The webhook got {kinds}; wrong signatures: {receiver.complaints[:3]}')
    return 1


def view(name, directory):
    if reason := why_not(directory):
        print(f'SKIPPED: {reason}')
        return SKIP
    page = json.loads((directory / 'demo.json').read_text(encoding='utf-8'))['page']
    receiver = WebhookReceiver()
    environment = os.environ | {'IA_API_TOKEN': TOKEN, 'WEBHOOK_SECRET': SECRET,
                                'WEBHOOK_URL': receiver.url}
    command = [directory.parent / 'node_modules/.bin/node', f'{name}.mjs', page,
               shutil.which('chromium')]
    failed = subprocess.run(command, cwd=directory / 'screens', check=False, env=environment)
    receiver.close()
    return failed.returncode or (told_wrong(receiver) if name == 'alerts' else 0)


def main(what, *args):
    if what == 'serve':
        return serve(args[0], pathlib.Path(args[1]), int(args[2]))
    *args, directory = args
    return {'start': start, 'view': view, 'stop': stop}[what](
        *args, pathlib.Path(directory).resolve())


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
