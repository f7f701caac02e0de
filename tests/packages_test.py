"""How scripts/packages.sh chooses packages, and what it says when it cannot install them.

The package manager and sudo are stand-ins that say what a release offers and note their calls. The
real ones are tried by scripts/bare_machine.sh.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$CALLS"
case $1 in
  update) exit ${UPDATE_EXIT:-0} ;;
  install) exit ${INSTALL_EXIT:-0} ;;
esac
"""
FAKES = {
    "apt-get": APT_GET,
    "apt-cache": "#!/bin/sh\nfor name in $OFFERED; do echo \"$name - a package\"; done\n",
    "dpkg-query": "#!/bin/sh\nfor name in $INSTALLED; do echo \"installed $name\"; done\n",
    "sudo": "#!/bin/sh\necho \"sudo $*\" >>\"$CALLS\"\n[ -z \"$REFUSES\" ] || exit 1\n"
            "while [ \"${1#-}\" != \"$1\" ]; do shift; done\nexec \"$@\"\n",
}


class Packages(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.directory.chmod(0o755)
        self.calls = self.directory / "calls"
        self.calls.touch()
        self.calls.chmod(0o666)
        for name, text in FAKES.items():
            (self.directory / name).write_text(text)
            (self.directory / name).chmod(0o755)

    def run_script(self, script, as_root=True, **environment):
        command = ["bash", "-c", f"set -euo pipefail; source scripts/packages.sh; {script}"]
        if as_root and os.geteuid() != 0:
            self.skipTest("SKIPPED: only root can try what root is told")
        if not as_root and os.geteuid() == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        path = f"{self.directory}:/usr/bin:/bin"
        return subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env={"PATH": path, "CALLS": str(self.calls), **environment}, check=False)

    def test_takes_the_newest_version_that_the_release_offers(self):
        for offered, expected in (("libboost1.74-dev libboost1.81-dev", "libboost1.81-dev"),
                                  ("libboost1.88-dev libboost1.83-dev", "libboost1.88-dev"),
                                  ("libboost1.81-dev libboost1.100-dev", "libboost1.100-dev")):
            said = self.run_script("offered_packages 'libboost1.*-dev>=81'", OFFERED=offered)
            self.assertEqual(said.stdout.split(), [expected], said.stderr)

    def test_names_with_other_words_behind_the_version_do_not_count(self):
        said = self.run_script("offered_packages 'postgresql-*>=15'",
                               OFFERED="postgresql-15 postgresql-15-repack postgresql-contrib")
        self.assertEqual(said.stdout.split(), ["postgresql-15"])

    def test_what_is_installed_is_not_looked_for(self):
        said = self.run_script("install_missing 'to build' g++ 'libboost1.*-dev>=81'",
                               INSTALLED="g++ libboost1.83-dev")
        self.assertEqual((said.returncode, self.calls.read_text()), (0, ""), said.stderr)

    def test_a_version_that_is_too_old_is_missing(self):
        said = self.run_script("missing_packages 'libboost1.*-dev>=81'",
                               INSTALLED="libboost1.74-dev")
        self.assertEqual(said.stdout.split(), ["libboost1.*-dev>=81"])

    def test_installs_what_is_missing_and_nothing_else(self):
        said = self.run_script("install_missing 'to build' g++ cmake", INSTALLED="g++",
                               OFFERED="g++ cmake")
        self.assertEqual(said.returncode, 0, said.stderr)
        installs = [call for call in self.calls.read_text().splitlines()
                    if call.startswith("apt-get install -y")]
        self.assertEqual(len(installs), 1)
        self.assertTrue(installs[0].endswith(" cmake"), installs)
        self.assertIn("--no-install-recommends", installs[0])

    def test_what_only_tests_need_may_be_missing_from_a_release(self):
        said = self.run_script("install_missing 'to test' 'chromium?' curl", OFFERED="curl")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("chromium: tests that need it will be skipped", said.stderr)

    def test_what_a_release_does_not_offer_is_named(self):
        said = self.run_script("install_missing 'to build' 'libboost1.*-dev>=81' cmake",
                               OFFERED="cmake libboost1.74-dev")
        self.assertEqual(said.returncode, 1)
        self.assertIn("libboost1.*-dev>=81", said.stderr)
        self.assertNotIn("apt-get install -y", self.calls.read_text())

    def assert_tells_root_what_to_do(self, said):
        self.assertEqual(said.returncode, 1)
        self.assertIn("apt-get update && apt-get install -y --no-install-recommends cmake ninja",
                      said.stderr)
        self.assertIn("again: it goes on from there", said.stderr)

    def test_without_sudo_it_tells_what_root_has_to_do(self):
        (self.directory / "sudo").unlink()
        if pathlib.Path("/usr/bin/sudo").exists():
            self.skipTest("SKIPPED: sudo is installed here")
        said = self.run_script("install_missing 'to build' cmake ninja", as_root=False,
                               OFFERED="cmake ninja")
        self.assertIn("There is no sudo", said.stderr)
        self.assert_tells_root_what_to_do(said)

    def test_when_sudo_refuses_it_says_so_and_tells_what_root_has_to_do(self):
        said = self.run_script("install_missing 'to build' cmake ninja", as_root=False,
                               OFFERED="cmake ninja", REFUSES="yes")
        self.assertIn("sudo refused", said.stderr)
        self.assertNotIn("network", said.stderr)
        self.assertNotIn("apt-get", self.calls.read_text())
        self.assert_tells_root_what_to_do(said)

    def test_sudo_is_given_the_proxy(self):
        said = self.run_script("install_missing 'to build' cmake", as_root=False, OFFERED="cmake",
                               http_proxy="http://proxy:3128")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("sudo -n -- env http_proxy=http://proxy:3128 apt-get update",
                      self.calls.read_text())

    def test_without_a_network_it_speaks_of_network_and_proxy(self):
        said = self.run_script("install_missing 'to build' cmake ninja", OFFERED="cmake ninja",
                               UPDATE_EXIT="100")
        self.assertIn("is there a network?", said.stderr)
        self.assertIn("http_proxy", said.stderr)
        self.assert_tells_root_what_to_do(said)

    def test_an_interrupted_installation_is_told_how_it_goes_on(self):
        said = self.run_script("install_missing 'to build' cmake ninja", OFFERED="cmake ninja",
                               INSTALL_EXIT="100")
        self.assertIn("dpkg --configure -a", said.stderr)
        self.assert_tells_root_what_to_do(said)


if __name__ == "__main__":
    unittest.main()
