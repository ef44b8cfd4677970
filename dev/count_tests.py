"""count_tests.py FOLDER BROKEN: adds up the reports of a test run, prints "N passed, N failed"."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

folder, broken = Path(sys.argv[1]), int(sys.argv[2])
passed = failed = skipped = 0
for report in folder.glob("*.xml"):
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        # By test: the report's own sums count each subtest.
        if test.find("failure") is not None or test.find("error") is not None:
            failed += 1
        elif test.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1

installation = folder / "install.txt"
if installation.exists():
    failures, errors, tests = map(int, re.findall(r"\d+", installation.read_text()) or [0, 0, 0])
    failed += failures + errors
    passed += tests - failures - errors
    if not tests:
        print("crm_extended: no test ran at installation: see", folder / "install.log")
        broken = 1

if broken and not failed:
    print("crm_extended: a part of the suite broke or warned: see above and", folder)
    failed = 1
(folder / "counts").write_text(f"{passed} {failed} {skipped}\n")
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(bool(failed or not passed))
