#!/bin/sh
# The first process of a container: starts the program that its arguments name, hands signals on, and ends as it does. What
# the killed process of a build leaves behind becomes a child of the first process, and fills the table of processes
# unless that one waits for it. A shell waits for all; Node.js for what it has started itself.
"$@" &
child=$!
trap 'kill -TERM "$child"' TERM INT
# A signal ends `wait`, not the child.
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
exit "$status"
