#!/bin/bash
# SPDX-License-Identifier: MIT
# Much data both ways with no loss: first over a perfect link, then with duplication, reordering and corruption.
. "$(dirname "$0")/lib_bulk.sh"

bulk
bulk --duplicate 1% --reorder 1% --corrupt 0.1%
no_reports
echo "passed"
