/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_USERNS_FUSE_SERVER_H
#define SBX_USERNS_FUSE_SERVER_H

/* What becomes of a process before it serves files: inside of the user namespace wing only. */

#include <stdint.h>

struct error;

/* Where a server finds the image. */
#define FUSE_SERVER_IMAGE "/image"

/* First of all: the caller's ids in the new user namespace, and mounts of its own. */
int fuse_server_settle(uint32_t uid, uint32_t gid, struct error *err);

/* From now on nothing is seen but the system's programs, read-only, and the image. */
int fuse_server_see(int image, struct error *err);

int fuse_server_drop_power(struct error *err);
int fuse_server_limit(struct error *err);

/* With device and the streams alone, and an empty environment. Returns only on failure. */
int fuse_server_exec(const char *const *argv, int device, struct error *err);

#endif
