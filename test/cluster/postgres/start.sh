#!/bin/sh
# Starts PostgreSQL with POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and PGDATA as the official image does.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  rm -rf "$PGDATA.part"
  printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password
  initdb --pgdata="$PGDATA.part" --username="$POSTGRES_USER" --pwfile=/tmp/password --encoding=UTF8 --locale=C \
    --auth-local=reject --auth-host=scram-sha-256
  rm /tmp/password
  echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$PGDATA.part" postgres
  echo "host all all all scram-sha-256" >> "$PGDATA.part/pg_hba.conf"
  # A start that was cut short begins anew.
  mv "$PGDATA.part" "$PGDATA"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=
