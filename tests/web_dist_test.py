"""Builds the page and compares it with web/dist, which is what the program serves.

usage: web_dist_test.py WEB BUILD_DIR [--write]

--write puts what was built into web/dist. Exit status 77 is a skip: there is no npm.
"""

import pathlib
import shutil
import subprocess
import sys

SKIP = 77
BUILT = ("app.js", "style.css")


def skip(reason):
    print(f"SKIPPED: {reason}")
    return SKIP


def main(web, build, write):
    if not shutil.which("npm"):
        return skip("there is no npm to build the page with; apt-get install nodejs npm")
    build.mkdir(parents=True, exist_ok=True)
    lock, stamp = (web / "package-lock.json").read_bytes(), build / "installed.lock"
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        shutil.copy(web / name, build)
    if not stamp.is_file() or stamp.read_bytes() != lock:
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        if subprocess.run(command, cwd=build, check=False).returncode != 0:
            print("npm ci failed, see above. Can it reach its registry?")
            return 1
        stamp.write_bytes(lock)
    for folder in ("src", "dist"):
        shutil.rmtree(build / folder, ignore_errors=True)
    shutil.copytree(web / "src", build / "src")
    subprocess.run(["npm", "run", "--silent", "build"], cwd=build, check=True)
    if write:
        (web / "dist").mkdir(exist_ok=True)
        for name in BUILT:
            shutil.copyfile(build / "dist" / name, web / "dist" / name)
        return 0
    stale = [name for name in BUILT
             if (build / "dist" / name).read_bytes() != (web / "dist" / name).read_bytes()]
    if stale:
        print(f"web/dist is not what web/src gives: {', '.join(stale)} would differ.\n"
              f"Build it: python3 tests/web_dist_test.py web {build} --write")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:3]), "--write" in sys.argv[3:]))
