/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_OCI_GVISOR_H
#define SBX_LAUNCHER_OCI_GVISOR_H

/*
 * A container whose bundle is handed to gVisor's runsc as it is: `sbx-oci --runtime runsc`,
 * or the annotation sbx.runtime. What is remembered is a record like any other, with the words
 * of runsc in it; its process 1 is runsc's sandbox process, which ends as the command does.
 *
 *   ROOT/ID/runsc/   its state: --root
 *   ROOT/ID/log/     its logs
 *   ROOT/ID/created  it was not started yet
 *   ROOT/ID/paused   it stands still
 */

#include <stdbool.h>

#include "launcher/container.h"
#include "launcher/oci.h"

/*
 * Whether the plan is for runsc: the options before the command decide, and else annotations,
 * which become plan->runtime. ERROR_USAGE: there is no such runtime or platform.
 */
int oci_gvisor_wanted(const struct oci_globals *globals, struct plan *plan,
		      bool *ret_wanted, struct error *err);

/* As container_create() and container_start(), with the words of runsc in the record. */
int oci_gvisor_create(const struct plan *plan, const struct container_options *options,
		      const struct container_entry *entry,
		      struct container_record *record, struct arena *arena,
		      struct container_handle *ret_handle, struct error *err);
int oci_gvisor_start(const struct container_entry *entry,
		     const struct container_record *record, struct error *err);

/* ERROR_CONTAINER_STATE ("container not running") where there is nobody. */
int oci_gvisor_kill(const struct container_entry *entry,
		    const struct container_record *record, int number, bool all,
		    struct error *err);

/* As container_delete(), but that hooks of the end are runsc's. */
int oci_gvisor_delete(struct container_entry *entry,
		      const struct container_record *record, bool force,
		      struct error *err);

int oci_gvisor_freeze(const struct container_entry *entry,
		      const struct container_record *record, bool frozen,
		      struct error *err);

/* Becomes runsc, for a command that it has itself, and whose words are these: exec, ps, events. */
int oci_gvisor_become(const struct container_record *record, const char *command,
		      const char *const *words, struct error *err);

/*
 * Where every network namespace has what old releases take for a sign of the host's
 * (gvisor#10704): hidden in that of the sandbox, as runsc will see it. There is no way back
 * from there for who is root of an engine's user namespace only. -1: it could not.
 * oci_gvisor_net.c
 */
int oci_gvisor_hide_net_core(const struct container_record *record);

#endif
