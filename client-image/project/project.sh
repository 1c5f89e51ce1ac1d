#!/bin/sh
# The first process of a pod with a project: unpacks it from its ConfigMaps and runs it with the given arguments.
deno run --quiet --no-prompt --no-config --no-lock --no-remote --no-npm \
  --allow-read="$SKIFF_PARTS,$SKIFF_PROJECT" --allow-write="$SKIFF_PROJECT" \
  /skiff/unpack-project.mjs "$SKIFF_PARTS" "$SKIFF_PROJECT" || exit 1
cd "$SKIFF_PROJECT" || exit 1
unset SKIFF_PARTS SKIFF_PROJECT
exec deno "$@"
