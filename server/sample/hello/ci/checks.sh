# Small checks with their results as JUnit. A job sources this file.

artifacts=${ARTIFACTS:-.}
cases=
failures=0
count=0
pause=${SECONDS_PER_CHECK:-1}

if [ -t 1 ] || [ -n "${CI:-}" ]; then
  green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' bold=$'\e[1m' plain=$'\e[0m'
else
  green= red= dim= bold= plain=
fi

escape() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g'; }

# check NAME COMMAND...: runs the command, says how it went, keeps the result.
check() {
  local name=$1 start end seconds output status
  shift
  count=$((count + 1))
  start=$(date +%s%N)
  output=$("$@" 2>&1)
  status=$?
  end=$(date +%s%N)
  seconds=$(printf '%d.%03d' $(((end - start) / 1000000000)) $(((end - start) / 1000000 % 1000)))
  if [ "$status" -eq 0 ]; then
    printf '%s✓%s %s %s(%ss)%s\n' "$green" "$plain" "$name" "$dim" "$seconds" "$plain"
    cases+="<testcase classname=\"hello\" name=\"$(escape <<<"$name")\" time=\"$seconds\"/>"
  else
    failures=$((failures + 1))
    printf '%s✗ %s%s (exit code %s)\n' "$red" "$name" "$plain" "$status"
    cases+="<testcase classname=\"hello\" name=\"$(escape <<<"$name")\" time=\"$seconds\"><failure message=\"exit code $status\">$(escape <<<"$output")</failure></testcase>"
  fi
  [ -z "$output" ] || sed 's/^/    /' <<<"$output"
  sleep "$pause"
}

# finish: writes the results and ends the job with them.
finish() {
  mkdir -p "$artifacts"
  printf '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="hello" tests="%s" failures="%s">%s</testsuite></testsuites>\n' \
    "$count" "$failures" "$cases" >"$artifacts/junit_hello.xml"
  printf '%s%s checks, %s failed%s\n' "$bold" "$count" "$failures" "$plain"
  [ "$failures" -eq 0 ]
}
