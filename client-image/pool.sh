#!/bin/sh
# The first process of a pod of the pool. It runs Deno with its own arguments until a function is loaded, and then the
# function. The load is in the folder of the bundle, which outlives the container: a restart runs the function at once.
deno=$(command -v deno)
work=${SKIFF_WORK:-/work}
start=$work/start.sh
in_place=$work/in-place
# If the sandbox of the pod was replaced, the init container has written the key again. The function must not read it.
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
# 75: the loaded function needs other permissions than the waiting process.
if [ "$status" = 75 ] && [ -f "$start" ] && [ ! -f "$in_place" ]; then
  trap - TERM
  . "$start"
fi
exit "$status"
