/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_CONFINE_PARTS_H
#define SBX_IMAGE_CONFINE_PARTS_H

/* What the files confine*.c share. */

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "image/tasks.h"

struct error;

/* A detached mount becomes the root, and what was there is let go of. */
int confine_enter(int root, struct error *err);

/* A mount of the directory alone, detached. */
int confine_clone_directory(int dir, const char *name, struct error *err);

/* The allow-list as classic BPF (seccomp(2)). Returns its length. */
enum { CONFINE_CALLS_MAX = 512 };
size_t confine_write_calls(enum confine_power power, bool threads,
			   struct sock_filter program[CONFINE_CALLS_MAX]);

#endif
