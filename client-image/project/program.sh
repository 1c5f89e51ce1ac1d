#!/bin/sh
# The first process of a pod with a program: unpacks its files from its ConfigMaps, unless PARTS is "-", and runs the
# program host with the other arguments. A shell waits for all of its children, so it reaps what programs leave behind.
#   program.sh PARTS FOLDER ARGUMENT…
parts=$1 folder=$2
shift 2
child=
stopping=
# The kernel drops a signal that its first process does not handle: the pod would stay for its whole grace period.
trap 'stopping=1; [ -z "$child" ] || kill -TERM "$child"' TERM
if [ "$parts" != - ]; then
  deno run --quiet --no-prompt --no-config --no-lock --no-remote --no-npm \
    --allow-read="$parts,$folder" --allow-write="$folder" /skiff/unpack-project.mjs "$parts" "$folder" || exit 1
fi
[ -z "$stopping" ] || exit 0

"$@" &
child=$!
[ -z "$stopping" ] || kill -TERM "$child"
# A signal ends `wait`, not the child.
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
exit "$status"
