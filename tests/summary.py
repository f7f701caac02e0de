"""Prints how the tests of a run ended: summary.py JUNIT_FILE NAME.

What failed comes with the last lines that it printed; what was skipped, with its reason.
"""

import collections
import re
import sys
import xml.etree.ElementTree

LINES_OF_A_FAILURE = 40


def reason_of(test):
    """What the test said about why it was skipped: its last line that says so."""
    said = (test.findtext("system-out") or "").splitlines()
    lines = [line for line in said if re.search(r"SKIPPED|[Ss]kipped:|is not installed", line)
             and not line.startswith("[")]
    if not lines:
        lines = [line for line in said if line.strip() and not line.startswith("[")]
    return re.sub(r"^.*(SKIPPED|[Ss]kipped): *", "", lines[-1].strip()) if lines else "no reason"


def main(file, name):
    tests = xml.etree.ElementTree.parse(file).getroot().findall("testcase")
    by_status = collections.defaultdict(list)
    for test in tests:
        by_status[test.get("status")].append(test)
    for test in by_status["fail"]:
        print(f"\n{name}: {test.get('name')} failed:")
        for line in (test.findtext("system-out") or "").splitlines()[-LINES_OF_A_FAILURE:]:
            print(f"  {line}")
    reasons = collections.defaultdict(list)
    for test in by_status["notrun"]:
        reasons[reason_of(test)].append(test.get("name"))
    print()
    for reason, names in reasons.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        print(f"{name}: skipped {', '.join(names[:3])}{more}: {reason}")
    print(f"{name}: {len(by_status['run'])} passed, {len(by_status['fail'])} failed, "
          f"{len(by_status['notrun'])} skipped")


if __name__ == "__main__":
    main(*sys.argv[1:3])
