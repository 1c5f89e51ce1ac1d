#!/bin/sh
# The first process of a pod with a project: unpacks it from its ConfigMaps, and runs it with the other arguments.
#   project.sh PARTS FOLDER ARGUMENT…
parts=$1 folder=$2
shift 2
deno run --quiet --no-prompt --no-config --no-lock --no-remote --no-npm \
  --allow-read="$parts,$folder" --allow-write="$folder" /skiff/unpack-project.mjs "$parts" "$folder" || exit 1
cd "$folder" || exit 1
exec deno "$@"
