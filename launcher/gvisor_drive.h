/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_GVISOR_DRIVE_H
#define SBX_LAUNCHER_GVISOR_DRIVE_H

/* runsc's commands as processes, in the root that it sees. */

#include "launcher/gvisor.h"

#include <sys/types.h>

/* One command line. The texts are constants, or lie in root, or with the caller. */
struct words {
	const char *list[32];
	size_t count;
	char root[PATH_MAX + 8];
};

/* As much as a command needs that asks for a sandbox which is there; then its name and rest. */
void runsc_begin(struct words *words, const char *state);
void runsc_add(struct words *words, const char *word);

/* streams: its 0, 1 and 2; NULL: /dev/null and the file for what it says. -1 and errno. */
pid_t runsc_spawn(const struct words *words, const int *streams);

/* Always -1: what it said, with its logs, as one sentence. */
int runsc_explain(const struct child *child, const char *output, struct error *err);

#endif
