/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_SERVERS_H
#define SBX_LAUNCHER_SERVERS_H

/*
 * The processes of fuse-overlayfs(1) that serve a sandbox, one for each layer that the
 * kernel cannot make, and the one of squashfuse(1) or erofsfuse(1) for an image as root. They end with the launcher, however it ends.
 */

#include <stddef.h>
#include <sys/types.h>

struct rootfs_spec;

enum { SERVERS_MAX = 16 };

/* Zeroed memory with layers -1 is a valid start. */
struct servers {
	int layers; /* that came last, or -1 */
	unsigned int uid;
	pid_t pids[SERVERS_MAX];
	size_t count;
};

/* Takes the layers of the next server. */
void servers_take_layers(struct servers *servers, int layers, unsigned int uid);

/* Starts it; without layers it serves the image (NULL: there is none). -1: it could not be; the device is closed. */
int servers_start(struct servers *servers, const struct rootfs_spec *image, int device,
		  unsigned int gid);

/* Ends all, after the sandbox has ended. */
void servers_end(struct servers *servers);

#endif
