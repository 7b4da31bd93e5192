#!/bin/bash
# Measures pg_repack (Debian's package) beside native ALTER TABLE, VACUUM FULL and
# the online job, in one session on one configuration: copy_vs_native.sh and then
# swap_under_load.sh with the peers among their variants.
#
# How to read it: as those two.  pg_repack and VACUUM FULL cannot alter: they
# rebuild the table as it is, which is a little less work.  The figure to beat
# when idle is the ratio of pg_repack; under load its tps, gap and slowdown.
#
# Run as root: bash test/bench/peers.sh
#   the settings are those of the two scripts; OSC_BENCH_ROUNDS is 3 here.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OSC_BENCH_ROUNDS=${OSC_BENCH_ROUNDS:-3}
export OSC_BENCH_PACKAGES=postgresql-15-repack

OSC_BENCH_VARIANTS=${OSC_BENCH_IDLE_VARIANTS:-native vacuum_full repack job-w1 job-w2} bash "$here/copy_vs_native.sh"
echo
OSC_BENCH_VARIANTS=${OSC_BENCH_LOAD_VARIANTS:-native repack job-w1} bash "$here/swap_under_load.sh"
