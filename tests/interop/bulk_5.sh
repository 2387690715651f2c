#!/bin/bash
# SPDX-License-Identifier: MIT
# Much data both ways with 5 % loss with duplication, reordering and corruption.
. "$(dirname "$0")/lib_bulk.sh"

bulk --loss 5% --duplicate 1% --reorder 1% --corrupt 0.1%
no_reports
echo "passed"
