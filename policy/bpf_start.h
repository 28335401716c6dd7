/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_BPF_START_H
#define SBX_POLICY_BPF_START_H

/*
 * What a program of ours still calls under the filter that it has just loaded: it hands
 * over the listener, starts the command, and if that fails tells why and ends.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "policy/tables.h"

static const uint32_t start_calls[] = { SYS_execve, SYS_exit_group, SYS_write,
					SYS_sendmsg };

enum { START_CALL_COUNT = sizeof(start_calls) / sizeof(start_calls[0]) };

/* They are made in the ABI that the program was built for. */
static inline bool is_start_call(enum abi abi, uint32_t number)
{
	bool found = false;

	for (int i = 0; i < START_CALL_COUNT; i++)
		found |= start_calls[i] == number;
	return found && abi == abi_native();
}

#endif
