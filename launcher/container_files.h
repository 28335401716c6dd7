/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_CONTAINER_FILES_H
#define SBX_LAUNCHER_CONTAINER_FILES_H

/* What the rooms of the store share; launcher/container_store.c says how it holds together. */

#include "launcher/container.h"

struct json_value;

#define CONTAINER_RECORD_FILE "state.json"
#define CONTAINER_CONFIG_FILE "config.json"
#define CONTAINER_SOCKET      "start"
#define CONTAINER_UNFINISHED  "creating"

/* Of runsc's (oci_gvisor.h). */
#define CONTAINER_CREATED_FILE "created"
#define CONTAINER_PAUSED_FILE  "paused"

/*
 * Fills err by errno, in words that no engine takes for those of a missing or forbidden
 * program. Returns -1. container_root.c
 */
int container_refuse(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* strerror(3), but for what engines would take for such words. container_root.c */
const char *container_reason(int errnum);

/* The members of a state, as runc names and orders them. container_record.c */
void container_put_state(struct json_value *object, const struct container_record *record,
			 enum container_status status);

#endif
