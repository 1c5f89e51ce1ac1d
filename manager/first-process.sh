#!/bin/sh
# The first process of a container. It starts the program of its arguments, forwards signals, and ends with its status.
# Orphans of a killed build become children of the first process, and fill the process table until it waits for them. A
# shell waits for all children, Node.js only for its own.
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
