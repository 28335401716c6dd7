/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_OUTWARD_H
#define SBX_NET_OUTWARD_H

/* Connecting to the far side, and what its answer means for the sandbox. */

#include <stdbool.h>

#include "net/messages.h"

/*
 * 0: *ret_fd is connected; EINPROGRESS: it will be, wait for EPOLLOUT; else the errno, and
 * *ret_fd is as it was. fd_max: descriptors from this number on are not for us (EMFILE); 0:
 * all are.
 */
int outward_connect(const struct ip *to, uint16_t port, int fd_max, int *ret_fd);

/* ::1 for 127.0.0.1, and back. */
struct ip outward_other_loopback(const struct ip *loopback);

/*
 * Whether this host has the address now, which it may not have had when the sandbox began: then
 * what is sent there is for its own services.
 */
bool outward_is_own(const struct ip *address);

/* when_full: the answer where it is our fault. */
enum inner_answer outward_answer(int errnum, enum inner_answer when_full);

#endif
