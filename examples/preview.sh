#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Serves a directory to this host's browsers, by a web server that can change nothing, reaches
# nothing, and is reached by nobody else.
#
#   preview.sh [DIRECTORY [PORT]]     any free port without PORT; sbx tells which
#
# Ends with Ctrl-C. Another server takes python's place as well: it listens on port 80 inside,
# which needs no root there.
set -eu

cd "${1:-.}"
exec sbx run --no-config --cwd ro --deny internet --publish "${2:+$2:}80" -- \
	python3 -m http.server 80
