/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_INNER_H
#define SBX_NET_INNER_H

/*
 * The inner half: enters the sandbox's user and network namespace, sets the network up,
 * hands what it made to the outer half, locks itself down and answers. It is process 1 of a pid
 * namespace of its own, keeps CAP_NET_ADMIN and CAP_NET_RAW over the sandbox's network and nothing else, and ends with the outer half.
 */

#include <sys/types.h>

struct error;
struct net_spec;

/*
 * Forks it; must be called before confine_outer(). namespace_fd: the sandbox's network
 * namespace. Returns its pid, a child of the caller; *ret_socket speaks inner_messages with
 * it. A message to it may wait for room, for it never waits for room of ours. INNER_READY
 * comes before it has given its power away: until then it reads nothing, and INNER_FAILED
 * may follow.
 */
pid_t inner_start(const struct net_spec *spec, int namespace_fd, int *ret_socket,
		  struct error *err);

#endif
