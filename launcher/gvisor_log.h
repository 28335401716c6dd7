/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_GVISOR_LOG_H
#define SBX_LAUNCHER_GVISOR_LOG_H

/*
 * runsc's logs of a start that failed. They lie in the sandbox, on a file system that goes with
 * it, and often belong to an id that the caller may not read: the init puts them into one file,
 * and the launcher keeps that, the last few of them, in $XDG_STATE_HOME/sbx/runsc-logs.
 */

#include <stdbool.h>

struct error;

/* In the sandbox: what lies in the directory at path as one file in memory. -1 and errno. */
int gvisor_log_gather(const char *path);

/* Gives what lies in GVISOR_LOGS to the launcher (TURN_LOG), before the failure itself. */
void gvisor_log_send(int socket);

/*
 * In the sandbox: whether the status with which gVisor's kernel has ended is that of a crash: a
 * command may end so too, but leaves no panic at path.
 */
bool gvisor_log_has_panic(const char *path, int status, struct error *err);

/*
 * In the launcher: keeps it, and says where in err's hint. What cannot be kept is not spoken
 * of: the error is that of the start.
 */
void gvisor_log_keep(int log, struct error *err);

#endif
