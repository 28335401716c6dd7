/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_CONFINE_FILTER_H
#define SBX_NET_CONFINE_FILTER_H

/*
 * The allow-lists of system calls as classic BPF (seccomp(2)). What is not on a list fails with
 * EPERM, for a C library may try a call that it can do without; what only an attacker
 * would call ends the process.
 */

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFINE_PROGRAM_MAX = 384 };

enum confine_list { CONFINE_OUTER, CONFINE_INNER };

/* Writes the program; returns its length. */
size_t confine_write_filter(enum confine_list list,
			    struct sock_filter program[CONFINE_PROGRAM_MAX]);

#endif
