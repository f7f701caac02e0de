#!/usr/bin/env python3
"""tidy.py finds what it is there for."""

import pathlib
import tempfile
import unittest

import tidy


class TidyTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.directory.name)
        self.write("src/core/point.h", "#pragma once\n#include <vector>\n")

    def tearDown(self):
        self.directory.cleanup()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def findings(self):
        return tidy.Tidy(self.root).run()

    def assert_found(self, *parts):
        findings = self.findings()
        self.assertEqual(len(findings), 1, findings)
        for part in parts:
            self.assertIn(part, findings[0])

    def test_is_quiet_when_all_is_well(self):
        self.write("src/ports/queue.h", '#pragma once\n#include "core/point.h"\n')
        adapter = '#include <sqlite3.h>\n#include "ports/queue.h"\n'
        self.write("src/adapters/sqlite/queue.cpp", adapter)
        self.assertEqual(self.findings(), [])

    def test_includes_go_down_only(self):
        self.write("src/core/point.cpp", '#include "ports/queue.h"\n')
        self.assert_found("src/core/point.cpp:1:", "core may not use ports")

    def test_adapters_never_include_each_other(self):
        self.write("src/adapters/sqs/queue.cpp", '#include "adapters/sqlite/queue.h"\n')
        self.assert_found("adapters/sqs may not use adapters/sqlite")

    def test_an_adapter_has_a_folder_of_its_own(self):
        self.write("src/adapters/novel_queue.cpp", "int x;\n")
        self.assert_found("novel_queue.cpp:1:", "into a folder")

    def test_only_the_wiring_names_adapters(self):
        self.write("src/app/wiring/wiring.cpp", '#include "adapters/sqs/queue.h"\n')
        self.assertEqual(self.findings(), [])
        self.write("src/app/service/service.cpp", '#include "adapters/sqs/queue.h"\n')
        self.assert_found("src/app/service/service.cpp:1:", "app may not use adapters")

    def test_nothing_of_the_api_includes_its_routes(self):
        self.write("src/api/routes/a.cpp", '#include "api/series/b.h"\n#include "http/c.h"\n')
        self.assertEqual(self.findings(), [])
        self.write("src/api/series/b.cpp", '#include "api/routes/a.h"\n')
        self.assert_found("src/api/series/b.cpp:1:", "api may not use api/routes")

    def test_a_folder_without_rules_is_found(self):
        self.write("src/novel/a.cpp", '#include "core/point.h"\n')
        self.assert_found("src/novel has no line")

    def test_libraries_stay_out_of_headers(self):
        self.write("src/net/lane.h", "#pragma once\n#include <boost/asio.hpp>\n")
        self.assert_found("src/net/lane.h:2:", "keep libraries in .cpp files")

    def test_only_tests_use_the_fakes(self):
        self.write("src/pipeline/sink_test.cpp", '#include "testing/memory_queue.h"\n')
        self.assertEqual(self.findings(), [])
        self.write("src/pipeline/sink.cpp", '#include "testing/memory_queue.h"\n')
        self.assert_found("src/pipeline/sink.cpp:1:", "pipeline may not use testing")

    def test_a_header_belongs_to_the_tests_while_only_they_include_it(self):
        world = '#pragma once\n#include "testing/memory_queue.h"\n'
        self.write("src/pipeline/world.h", world)
        self.write("src/pipeline/sink_test.cpp", '#include "pipeline/world.h"\n')
        self.assertEqual(self.findings(), [])
        self.write("src/pipeline/sink.cpp", '#include "pipeline/world.h"\n')
        self.assert_found("src/pipeline/world.h:2:")

    def test_long_lines_long_files_and_promises(self):
        self.write("src/base/a.cpp", "// " + "x" * 98 + "\n")
        self.assert_found("101 columns")
        self.write("src/base/a.cpp", "\n" * 601)
        self.assert_found("more than 600 lines")
        self.write("src/base/a.cpp", "// TO" "DO: later\n")
        self.assert_found("a promise")

    def test_a_header_is_included_once(self):
        self.write("src/base/a.h", "int x;\n")
        self.assert_found("without #pragma once")

    def test_an_empty_folder_is_not_tidy(self):
        (self.root / "src/core/point.h").unlink()
        self.assert_found("no sources found")


if __name__ == "__main__":
    unittest.main()
