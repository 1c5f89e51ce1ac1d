#!/usr/bin/env python3
"""Counts words. The first lines of the output are a status and headers, because of cgi: true."""
import collections
import json
import os
import sys
from urllib.parse import parse_qs

most = int(parse_qs(os.environ["QUERY_STRING"]).get("most", ["3"])[0])
words = collections.Counter(sys.stdin.read().lower().split())
if not words:
    print("Status: 400 Bad Request\nContent-Type: text/plain\n\nSend a text with words.")
    sys.exit()
print("Content-Type: application/json\n")
print(json.dumps(dict(words.most_common(most))))
