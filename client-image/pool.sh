#!/bin/sh
# The first process of a pod of the pool: Deno, waiting, as its child; then the function. Its arguments are Deno's.
# What was loaded is in the folder of the bundle, which outlives the container: started again, it is the same function at once.
deno=$(command -v deno)
work=${SKIFF_WORK:-/work}
start=$work/start.sh
in_place=$work/in-place
# Where the pod's sandbox was made anew its init container has left a key again, which is not for a function to find.
if [ -f "$start" ]; then
  rm -f "${SKIFF_KEY:-/skiff/key/own}" || exit 1
  . "$start"
fi

"$deno" "$@" &
child=$!
trap 'kill -TERM "$child"' TERM
# A signal ends `wait`, not the child.
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
# 75: a function was loaded that needs other permissions than the process had that waited for it.
if [ "$status" = 75 ] && [ -f "$start" ] && [ ! -f "$in_place" ]; then
  trap - TERM
  . "$start"
fi
exit "$status"
