# Makefile: builds the extension with PGXS.
#
#   make, make install         build and install for the PostgreSQL of PG_CONFIG
#   make STOP_POINTS=1         a build for tests, with named stop points
#   make lint                  build lint/osc-lint, on libpg_query
#   make check                 layout check and all tests (as root: they make
#                              their own clusters)
#   make check-versions        the same on PostgreSQL 15, 17 and 18
#   make check-long            all tests, the long ones too

EXTENSION = online_schema
EXTVERSION = 0.1.0
MODULE_big = online_schema

OBJS = \
	src/base/deadline.o \
	src/base/disk.o \
	src/base/ident.o \
	src/base/keep_old.o \
	src/base/locks.o \
	src/base/notices.o \
	src/base/relation_cache.o \
	src/base/run.o \
	src/base/settings.o \
	src/base/window.o \
	src/store/claims.o \
	src/store/events.o \
	src/store/job.o \
	src/store/job_step.o \
	src/store/objects.o \
	src/model/backfill_spec.o \
	src/model/backfill_value.o \
	src/model/column.o \
	src/model/compose.o \
	src/model/mapping.o \
	src/model/mapping_exec.o \
	src/model/objections.o \
	src/model/relinfo.o \
	src/model/row_query.o \
	src/model/script.o \
	src/model/statement.o \
	src/model/tree.o \
	src/model/users_names.o \
	src/mirror/backfill.o \
	src/mirror/canary.o \
	src/mirror/capture.o \
	src/mirror/clone_tree.o \
	src/mirror/compare.o \
	src/mirror/fill.o \
	src/mirror/follower.o \
	src/mirror/helper_table.o \
	src/mirror/keyscan.o \
	src/mirror/log.o \
	src/mirror/lookups.o \
	src/mirror/mirror.o \
	src/mirror/mirror_make.o \
	src/mirror/notes.o \
	src/mirror/place.o \
	src/mirror/replay.o \
	src/mirror/row_error.o \
	src/mirror/shadow.o \
	src/mirror/two_names.o \
	src/mirror/validate.o \
	src/finish/adopt.o \
	src/finish/cleanup.o \
	src/finish/direct.o \
	src/finish/foreign_keys.o \
	src/finish/keep.o \
	src/finish/not_null.o \
	src/finish/orphans.o \
	src/finish/sequences.o \
	src/finish/snapshots.o \
	src/finish/stand_aside.o \
	src/finish/storage.o \
	src/finish/swap_message.o \
	src/finish/swap_column.o \
	src/finish/way_back.o \
	src/finish/swap_storage.o \
	src/finish/tree_changes.o \
	src/plan/burden.o \
	src/plan/harm.o \
	src/plan/classify.o \
	src/plan/forced.o \
	src/plan/column_owned.o \
	src/plan/column_added_keys.o \
	src/plan/column_parts.o \
	src/plan/column_back.o \
	src/plan/plan.o \
	src/plan/reach.o \
	src/plan/recipes.o \
	src/plan/recipes_column.o \
	src/plan/rehearse_column.o \
	src/plan/recipes_tree.o \
	src/plan/rehearse.o \
	src/plan/rules.o \
	src/plan/separable.o \
	src/plan/slices.o \
	src/drive/announce.o \
	src/drive/arrange.o \
	src/drive/await.o \
	src/drive/background.o \
	src/drive/blockers.o \
	src/drive/columns.o \
	src/drive/revert.o \
	src/drive/commands.o \
	src/drive/control.o \
	src/drive/converge.o \
	src/drive/driver.o \
	src/drive/estimate.o \
	src/drive/follow_tree.o \
	src/drive/foreground.o \
	src/drive/prepare.o \
	src/drive/prove.o \
	src/drive/queue.o \
	src/drive/restart.o \
	src/drive/spare.o \
	src/drive/steps.o \
	src/drive/swap_time.o \
	src/drive/throttle.o \
	src/drive/vacuum.o \
	src/entry/api.o \
	src/entry/guard.o \
	src/entry/launcher.o \
	src/entry/online_schema.o \
	src/entry/worker.o

DATA_built = sql/$(EXTENSION)--$(EXTVERSION).sql
EXTRA_CLEAN = sql/$(EXTENSION)--$(EXTVERSION).sql src/base/stop_point.o src/base/stop_point.bc

# -Wextra, less what PostgreSQL's own headers and macros trip over
PG_CPPFLAGS = -I$(srcdir)/src
PG_CFLAGS = -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-declaration-after-statement

ifdef STOP_POINTS
PG_CPPFLAGS += -DOSC_STOP_POINTS
OBJS += src/base/stop_point.o
endif

REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test

# PGXS has a target "check" of its own, which says that there is none: the
# test targets are read without it.
ifneq ($(filter check check-%,$(MAKECMDGOALS)),)

.PHONY: check check-layout check-long check-versions
check:
	bash test/run.sh

check-layout:
	bash test/layout.sh

check-long:
	OSC_SOAK=1 bash test/run.sh

check-versions:
	bash test/check-versions.sh

else ifeq ($(MAKECMDGOALS),lint)

# needs no PostgreSQL
.PHONY: lint
lint:
	$(MAKE) -C lint

else

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

sql/$(EXTENSION)--$(EXTVERSION).sql: $(sort $(wildcard sql/install/*.sql))
	cat $^ > $@

.PHONY: lint clean-lint
lint:
	$(MAKE) -C lint

clean: clean-lint
clean-lint:
	$(MAKE) -C lint clean

endif
