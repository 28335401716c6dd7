#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Chromium prints a page to PDF below the default policy, its own sandbox switched off, as an
# ordinary user without any capability.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "${SBX_TEST_FULL-}" ] || skip_all "200 MB: only in the full run"
unpack chromium fonts-dejavu-core poppler-utils

cat >"$root/page.html" <<'EOT'
<!DOCTYPE html>
<title>A page</title>
<p id="text">not yet</p>
<canvas id="canvas" width="100" height="100"></canvas>
<script>
document.getElementById('canvas').getContext('2d').fillRect(10, 10, 50, 50)
const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(6 * 7)'])))
worker.onmessage = message => { document.getElementById('text').textContent = 'answer ' + message.data }
</script>
EOT

plan 1

is "chromium prints what a page's script has written" "$(job '
	/usr/lib/chromium/chromium --headless --no-sandbox --disable-gpu --user-data-dir=/tmp/data \
		--virtual-time-budget=5000 --no-pdf-header-footer --print-to-pdf=/tmp/page.pdf \
		file:///page.html >log 2>&1 || cat log
	pdftotext page.pdf - | head -n 1')" "answer 42"
