/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/bpf_libseccomp.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "policy/bpf_start.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int export(scmp_filter_ctx filter, struct arena *arena,
		  struct seccomp_program *ret_program, struct error *err)
{
	auto_close int file = memfd_create("sbx-filter", MFD_CLOEXEC);
	struct stat status;
	char *bytes;

	if (file < 0)
		return error_errno(err, "make a file in memory");
	if (seccomp_export_bpf(filter, file) != 0)
		return error_set(err, ERROR_SECCOMP, "export libseccomp's program");
	if (fstat(file, &status) < 0 || status.st_size <= 0)
		return error_errno(err, "measure libseccomp's program");
	bytes = arena_alloc(arena, (size_t)status.st_size);
	if (pread(file, bytes, (size_t)status.st_size, 0) != status.st_size)
		return error_errno(err, "read libseccomp's program");
	*ret_program =
		(struct seccomp_program){ bytes, (size_t)status.st_size /
							 sizeof(struct sock_filter) };
	return 0;
}

/* stand_in() of bpf_libseccomp.c undone. */
static void restore_notifications(struct sock_filter *instructions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (instructions[i].code == (BPF_RET | BPF_K) &&
		    (instructions[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
			instructions[i].k ^= SECCOMP_RET_TRACE ^ SECCOMP_RET_USER_NOTIF;
	}
}

enum { PROLOGUE_MAX = 3 + START_CALL_COUNT + 1 + 12 + 1 };

static bool is_allowed(const struct translation *to, uint32_t number)
{
	const struct seccomp_data data = { .nr = (int)number,
					   .arch = abi_audit(abi_native()) };
	uint32_t value =
		bpf_return_value(rules_decide(to->rules, &data)->action, to->wishes);

	return value == SECCOMP_RET_ALLOW || value == SECCOMP_RET_LOG;
}

/* The words of the key, low ones first; a wrong one jumps behind the prologue. */
static size_t write_key(const struct start_key *key, struct sock_filter *instructions)
{
	size_t count = 0;

	for (unsigned int i = 0; i < 6; i++) {
		uint32_t word = (uint32_t)(key->words[i / 2] >> (i % 2 ? 32 : 0));
		uint32_t offset =
			(uint32_t)offsetof(struct seccomp_data, args[3]) + 4U * i;

		instructions[count++] =
			(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
		instructions[count++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, word, 0, (uint8_t)(11 - 2 * i));
	}
	instructions[count++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return count;
}

/* What the key opens is beyond libseccomp: tests of our own, in front of its program. */
static size_t write_prologue(const struct translation *to,
			     struct sock_filter *instructions)
{
	const size_t key_size = 13;
	size_t count = 3;

	for (uint32_t i = 0; i < START_CALL_COUNT; i++) {
		if (to->wishes->key && !is_allowed(to, start_calls[i]))
			instructions[count++].k = start_calls[i];
	}
	if (count == 3)
		return 0;
	for (size_t i = 3; i < count; i++) {
		instructions[i].code = BPF_JMP | BPF_JEQ | BPF_K;
		instructions[i].jt = (uint8_t)(count - i);
	}
	instructions[0] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	instructions[1] = (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JEQ | BPF_K, abi_audit(abi_native()), 0,
		(uint8_t)(count - 2 + 1 + key_size));
	instructions[2] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						       offsetof(struct seccomp_data, nr));
	instructions[count++] =
		(struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)key_size);
	return count + write_key(to->wishes->key, instructions + count);
}

int libseccomp_finish(const struct translation *to, struct arena *arena,
		      struct seccomp_program *ret_program)
{
	struct seccomp_program exported = { 0 }, whole;
	struct sock_filter *instructions;
	size_t prologue;

	if (export(to->filter, arena, &exported, to->err) < 0 || !exported.instructions)
		return -1;
	instructions = arena_alloc_array(arena, exported.count + PROLOGUE_MAX,
					 sizeof(*instructions));
	prologue = write_prologue(to, instructions);
	memcpy(instructions + prologue, exported.instructions,
	       exported.count * sizeof(*instructions));
	restore_notifications(instructions + prologue, exported.count);
	whole = (struct seccomp_program){ instructions, prologue + exported.count };
	if (whole.count > BPF_MAXINSNS) {
		error_set(to->err, ERROR_POLICY,
			  "compile the policy: the libseccomp back end cannot say it in "
			  "less than %zu instructions, and the kernel takes %d",
			  whole.count, BPF_MAXINSNS);
		return error_hint(to->err, "use --seccomp-backend sbx");
	}
	if (bpf_verify(to->rules, to->wishes, &whole, to->err) < 0)
		return error_within(to->err, "libseccomp");
	*ret_program = whole;
	return 0;
}
