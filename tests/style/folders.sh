#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The folders that the design names stand at the top, and docs/architecture.md says of every
# folder there what it is for.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/style/files.sh
. tests/style/files.sh

failed=0
for name in meson.build README.md launcher/ userns/ net/ policy/ tests/ examples/; do
	if [ ! -e "$name" ]; then
		echo "$name is not there"
		failed=1
	fi
done
for folder in $(files_of_project | sed -n 's,^\([^./][^/]*\)/.*,\1,p' | sort -u); do
	if ! grep -q "\`$folder/\`" docs/architecture.md; then
		echo "docs/architecture.md does not say what $folder/ is for"
		failed=1
	fi
done
exit "$failed"
