# Counts what the log of a step reports: cargo's test results, Zig's, and the lines of `check`.
# Prints: passed failed skipped.
/^test result: / { passed += $4; failed += $6; skipped += $8 }
/^check .* \.\.\. ok$/ { passed++ }
/^check .* \.\.\. FAILED$/ { failed++ }
/^SKIPPED: / { skipped++ }
# Build Summary: 5/5 steps succeeded; 12/12 tests passed (1 skipped)
/^Build Summary: .* tests passed/ {
  match($0, /[0-9]+\/[0-9]+ tests passed/)
  split(substr($0, RSTART, RLENGTH), n, /[\/ ]/)
  passed += n[1]
  failed += n[2] - n[1]
  if (match($0, /[0-9]+ skipped/)) {
    split(substr($0, RSTART, RLENGTH), s, " ")
    skipped += s[1]
    failed -= s[1]
  }
}
END { print passed + 0, failed + 0, skipped + 0 }
