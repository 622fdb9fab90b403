# SPDX-License-Identifier: MIT
# tools/count.awk: prints `passed failed skipped`, summed over a ctest log (LastTest.log) or the
# output of a script of checks. A program says how many tests it ran in a last line
# `# N passed, N failed, N skipped`; one that does not, or dies, counts as one test.
/^# [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
	passed += $2; failed += $4; skipped += $6
	counted = $2 + $6; reported = $4
	next
}
/^[0-9]+\/[0-9]+ Test: / { counted = reported = 0 }
/^Test Passed\.$/        { if (!counted) passed++ }
/^Test Failed\.$/        { if (!reported) failed++ }
/^Unable to find exec/   { failed++ }
END                      { print passed + 0, failed + 0, skipped + 0 }
