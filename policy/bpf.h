/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_BPF_H
#define SBX_POLICY_BPF_H

/*
 * Rules to classic BPF, and classic BPF interpreted. The generator dispatches on the ABI,
 * then on the number by a balanced tree over ranges of equal answers, and looks at
 * arguments only below the numbers whose answer depends on them: whatever has one answer
 * stays in the kernel's bitmap of constant actions (seccomp(2), Linux 5.11).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "policy/rules.h"

struct arena;
struct error;
struct seccomp_data;

/*
 * Whoever starts a command under a filter must still be able to execute it: calls of
 * start_calls[] (execve, exit_group, write, sendmsg) are allowed where their arguments 3,
 * 4 and 5, which none of them has, are this key. It is random for each start and in no
 * memory that the command can read.
 */
struct start_key {
	uint64_t words[3];
};

struct bpf_wishes {
	/* EPERM and EAFNOSUPPORT become SECCOMP_RET_USER_NOTIF: the supervisor answers. */
	bool explains;
	const struct start_key *key; /* NULL: none; only calls that are not allowed
					anyway get a test for it */
};

/* The generator of our own. Instructions are in the arena. Fails beyond 4096. */
int bpf_generate(const struct rules *rules, const struct bpf_wishes *wishes,
		 struct arena *arena, struct seccomp_program *ret_program,
		 struct error *err);

/* The same rules through libseccomp, in its safe subset; what is beyond it is refused. */
int bpf_generate_by_libseccomp(const struct rules *rules, const struct bpf_wishes *wishes,
			       struct arena *arena, struct seccomp_program *ret_program,
			       struct error *err);

/*
 * What the kernel would return for this call: SECCOMP_RET_… with its data. *ret_steps, if
 * not NULL, is the number of instructions executed.
 */
uint32_t bpf_run(const struct seccomp_program *program, const struct seccomp_data *data,
		 size_t *ret_steps);

/* Whether a call of this ABI (AUDIT_ARCH_…) is allowed whatever its arguments are. */
bool bpf_always_allows(const struct seccomp_program *program, uint32_t arch, int number);

/* SECCOMP_RET_… of an action, as bpf_generate() writes it. fake(n) with n > 0 and every
 * explained denial are SECCOMP_RET_USER_NOTIF; its data are n, or the errno | 0x8000, which
 * only bpf_verify() looks at: a listener does not get them. */
uint32_t bpf_return_value(struct action action, const struct bpf_wishes *wishes);

/*
 * Interprets the program for every number of every ABI that the rules name and their
 * neighbours, and for every argument that they test at its boundaries, and compares with
 * rules_decide(). -1: err names the first call that is answered otherwise.
 */
int bpf_verify(const struct rules *rules, const struct bpf_wishes *wishes,
	       const struct seccomp_program *program, struct error *err);

#endif
