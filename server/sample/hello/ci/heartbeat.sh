#!/bin/bash
# Looks at the machine, a line a second.
. "$(dirname "$0")/checks.sh"

echo "${bold}sample-live-heartbeat${plain} on $(uname -srm), build ${BUILD_ID:-?}"
check 'the commit is the one that was asked for' git log -1 --format='%h %s'
check 'the work tree is clean' git diff --exit-code --stat
check 'there is a CPU to run on' nproc
check 'the load is known' cat /proc/loadavg
check 'memory is left' awk '/MemAvailable/ {printf "%d MiB available\n", $2 / 1024; exit !($2 > 65536)}' /proc/meminfo
check 'the disk is not full' df -h --output=avail,pcent .
check 'a file survives a round trip' bash -c 'head -c 1048576 /dev/urandom >round && cp round trip && cmp round trip && rm round trip'
check 'sorting sorts' bash -c 'seq 20000 | shuf | sort -n | head -n 3 | tr "\n" " "'
check 'hashing is stable' bash -c 'a=$(seq 50000 | sha256sum) && b=$(seq 50000 | sha256sum) && test "$a" = "$b" && echo "${a%% *}"'
check 'time goes forward' bash -c 'a=$(date +%s%N); b=$(date +%s%N); test "$b" -ge "$a" && echo "$((b - a)) ns later"'
for beat in 1 2 3 4 5 6 7 8; do
  check "beat $beat" printf '%s\n' "$(date -u +%H:%M:%S)"
done
finish
