#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/oci.md lists every property of the runtime specification, with a test.
set -eu
exec python3 "$(dirname "$0")/../oci/properties.py"
