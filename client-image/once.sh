#!/bin/sh
# The first process of a container whose instance takes one call. A container that starts again has the files of the
# call before: it waits until the leader deletes its pod.
#   once.sh MARK COMMAND…
mkdir "$1" 2>/dev/null || exec sleep 86400
shift
exec "$@"
