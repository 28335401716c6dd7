/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_TABLES_H
#define SBX_POLICY_TABLES_H

/*
 * What is known of system calls: their numbers for each ABI, the names and widths of their
 * arguments, the names of constants, and the groups. All of it is made at build time from
 * the lists in policy/tables/, and nothing of it from the headers of a C library, so that
 * a policy means the same wherever it was built.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum abi { ABI_X86_64, ABI_X32, ABI_I386, ABI_AARCH64, ABI_ARM, ABI_COUNT };

/* The ABI that this program is built for. */
enum abi abi_native(void);

/* The ABIs that a kernel of this machine may serve: bits of 1 << enum abi. */
unsigned int abi_served(void);

/* "x86_64", "x32", "i386", "aarch64", "arm"; ABI_COUNT for an unknown name. */
const char *abi_name(enum abi abi);
enum abi abi_by_name(const char *name);

/* AUDIT_ARCH_… as struct seccomp_data says it; x32 has that of x86-64. */
uint32_t abi_audit(enum abi abi);

/* Whether arguments have 64 bits in the registers of this ABI. x32 counts. */
bool abi_is_wide(enum abi abi);

enum { X32_BIT = 0x40000000 };

/*
 * The number of a call, as struct seccomp_data says it (x32: with X32_BIT); -1 where the
 * ABI does not have it, -2 where no ABI has. Debian's libseccomp is asked for what is not
 * in the lists.
 */
int call_number(enum abi abi, const char *name);

/* NULL: none has this number. */
const char *call_name(enum abi abi, uint32_t number);

/* The nearest known name to a mistyped one, or NULL. */
const char *call_nearest(const char *name);

/* Every known number of an ABI in rising order; the array is static. */
const uint32_t *call_numbers(enum abi abi, size_t *ret_count);

/* How an argument is shown and read. */
enum argument_kind {
	ARGUMENT_NUMBER,  /* decimal where small, else hexadecimal */
	ARGUMENT_POINTER, /* shown as 0x…, a rule can only compare it as a number */
	ARGUMENT_FD,
	ARGUMENT_WORD,  /* one constant of a family, such as AF_UNIX */
	ARGUMENT_FLAGS, /* constants of a family, or-ed */
};

struct argument {
	const char *name; /* as in the manual page: domain, cmd, flags */
	enum argument_kind kind;
	bool wide;          /* the kernel looks at all 64 bits; else at the low 32 */
	const char *family; /* of constants, for WORD and FLAGS: "AF", "CLONE"; or NULL */
};

/* Of calls whose arguments are listed; NULL: nothing is known of it, all wide numbers. */
const struct argument *call_arguments(const char *name, size_t *ret_count);

/* 0, or -1: no such constant. */
int constant_value(const char *name, uint64_t *ret_value);
const char *constant_nearest(const char *name);

/* The constant of a family with this value ("AF", 40 → "AF_VSOCK"); NULL. */
const char *constant_name(const char *family, uint64_t value);

/* "ENOSYS" ↔ 38, the numbers of this machine. -1 / NULL where unknown. */
int errno_by_name(const char *name);
const char *errno_name(int number);

/*
 * The calls of a group ("@file-system" or with a version "@file-system@v1"), groups
 * inside it resolved, as a NULL-ended list; NULL: there is no such group.
 */
const char *const *group_calls(const char *name);
const char *group_nearest(const char *name);

/* The names of all groups with what each is for; ends with a NULL name. */
struct group_title {
	const char *name, *what;
};
const struct group_title *group_titles(void);

#endif
