#!/bin/sh
# Each call starts this script. The log is on standard error.
echo "$REQUEST_METHOD $PATH_INFO" >&2
tr '[:lower:]' '[:upper:]'
