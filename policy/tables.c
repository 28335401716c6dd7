/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in the generated tables. What is handed out with pointers (arguments, members of
 * groups) is filled in at the first use: as constants they would be relocated at each start
 * of a program, which most often asks for none of them. Whoever fills in writes the same.
 */
#include "policy/tables.h"

#include "base/text.h"
#include "policy/foreign_calls.h"
#include "policy/tables_data.h"

#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

/* SBX_TABLES_ABI: a program of the build that makes something for another machine. */
enum abi abi_native(void)
{
#if defined SBX_TABLES_ABI
	return SBX_TABLES_ABI;
#elif defined __x86_64__ && defined __ILP32__
	return ABI_X32;
#elif defined __x86_64__
	return ABI_X86_64;
#elif defined __i386__
	return ABI_I386;
#elif defined __aarch64__
	return ABI_AARCH64;
#elif defined __arm__
	return ABI_ARM;
#else
#error "the system calls of this machine are not in policy/tables"
#endif
}

static enum machine machine_native(void)
{
	return abi_native() == ABI_AARCH64 || abi_native() == ABI_ARM ? MACHINE_ARM
								      : MACHINE_X86;
}

unsigned int abi_served(void)
{
	if (machine_native() == MACHINE_ARM)
		return 1U << ABI_AARCH64 | 1U << ABI_ARM;
	return 1U << ABI_X86_64 | 1U << ABI_X32 | 1U << ABI_I386;
}

static const struct {
	char name[8];
	uint32_t audit;
	bool wide;
} abis[ABI_COUNT] = {
	[ABI_X86_64] = { "x86_64", AUDIT_ARCH_X86_64, true },
	[ABI_X32] = { "x32", AUDIT_ARCH_X86_64, true },
	[ABI_I386] = { "i386", AUDIT_ARCH_I386, false },
	[ABI_AARCH64] = { "aarch64", AUDIT_ARCH_AARCH64, true },
	[ABI_ARM] = { "arm", AUDIT_ARCH_ARM, false },
};

const char *abi_name(enum abi abi)
{
	return abis[abi].name;
}

enum abi abi_by_name(const char *name)
{
	enum abi abi = ABI_X86_64;

	while (abi < ABI_COUNT && strcmp(abis[abi].name, name) != 0)
		abi++;
	return abi;
}

uint32_t abi_audit(enum abi abi)
{
	return abis[abi].audit;
}

bool abi_is_wide(enum abi abi)
{
	return abis[abi].wide;
}

/* Every row of a table by name begins with the offset of its name. */
static int by_name(const void *name, const void *row)
{
	uint32_t at;

	memcpy(&at, row, sizeof(at));
	return strcmp(name, table_words + at);
}

static const struct call_row *find_call(const char *name)
{
	uint32_t place = 2166136261U;

	for (const char *at = name; *at; at++)
		place = (place ^ (unsigned char)*at) * 16777619U;
	for (;; place++) {
		uint16_t row = table_call_places[place % CALL_PLACE_COUNT];

		if (row == 0)
			return NULL;
		if (strcmp(name, table_words + table_calls[row - 1].name) == 0)
			return &table_calls[row - 1];
	}
}

int call_number(enum abi abi, const char *name)
{
	const struct call_row *row = find_call(name);

	if (!row)
		return foreign_call_number(abi, name);
	return row->numbers[abi] == NO_NUMBER ? -1 : (int)row->numbers[abi];
}

/* Asked for every call of every ABI when a policy is compiled. */
const char *call_name(enum abi abi, uint32_t number)
{
	size_t count, first = 0;
	const uint32_t *numbers = call_numbers(abi, &count), *found;

	while (count) {
		const size_t half = count / 2;

		if (numbers[first + half] < number) {
			first += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	found = numbers + first;
	if (found == table_numbers + table_abi_starts[abi + 1] || *found != number)
		return NULL;
	return table_words + table_calls[table_by_number[found - table_numbers]].name;
}

const uint32_t *call_numbers(enum abi abi, size_t *ret_count)
{
	*ret_count = (size_t)(table_abi_starts[abi + 1] - table_abi_starts[abi]);
	return table_numbers + table_abi_starts[abi];
}

const struct argument *call_arguments(const char *name, size_t *ret_count)
{
	static struct argument shown[TABLE_ARGUMENTS];
	const struct call_row *row = find_call(name);

	if (!row || row->argument_count == 0)
		return NULL;
	for (size_t i = row->argument_start;
	     i < row->argument_start + row->argument_count; i++) {
		const struct argument_row *from = &table_arguments[i];

		shown[i].name = table_words + from->name;
		shown[i].kind = (enum argument_kind)from->kind;
		shown[i].wide = from->wide != 0;
		shown[i].family = from->family ? table_words + from->family : NULL;
	}
	*ret_count = row->argument_count;
	return &shown[row->argument_start];
}

static const struct constant_row *find_constant(const char *name)
{
	return bsearch(name, table_constants, table_constant_count,
		       sizeof(table_constants[0]), by_name);
}

static bool is_here(const struct constant_row *row)
{
	return (row->on & 1U << machine_native()) != 0;
}

int constant_value(const char *name, uint64_t *ret_value)
{
	const struct constant_row *row = find_constant(name);

	if (!row || !is_here(row))
		return -1;
	*ret_value = row->values[machine_native()];
	return 0;
}

/* The i-th constant of a family; NULL: it has no more, or there is none of this name. */
static const struct constant_row *family_constant(const char *family, size_t i)
{
	const struct family_row *row = bsearch(family, table_families, table_family_count,
					       sizeof(table_families[0]), by_name);

	if (!row || i >= row->count)
		return NULL;
	return &table_constants[table_family_members[row->start + i]];
}

const char *constant_name(const char *family, uint64_t value)
{
	const struct constant_row *row;

	for (size_t i = 0; (row = family_constant(family, i)) != NULL; i++) {
		if (is_here(row) && row->values[machine_native()] == value)
			return table_words + row->name;
	}
	return NULL;
}

int errno_by_name(const char *name)
{
	const struct constant_row *row;

	for (size_t i = 0; (row = family_constant("E", i)) != NULL; i++) {
		if (strcmp(table_words + row->name, name) == 0)
			return (int)row->values[machine_native()];
	}
	return -1;
}

const char *errno_name(int number)
{
	return number > 0 ? constant_name("E", (uint64_t)number) : NULL;
}

/* The name before an `@v1`; its version, or 0: the highest. -1 where that is no version. */
static int split_version(const char *name, char *buffer, size_t size)
{
	const char *at = name[0] == '@' ? strchr(name + 1, '@') : NULL;
	const size_t length = at ? (size_t)(at - name) : strlen(name);
	int version = 0;

	if (length >= size || (at && at[1] != 'v') ||
	    (at && text_to_int(at + 2, 1, UINT16_MAX, &version) < 0))
		return -1;
	memcpy(buffer, name, length);
	buffer[length] = '\0';
	return version;
}

static const struct group_row *find_group(const char *name)
{
	const struct group_row *found = NULL;
	char plain[32];
	const int version = split_version(name, plain, sizeof(plain));

	for (size_t i = 0; version >= 0 && i < table_group_count; i++) {
		const struct group_row *row = &table_groups[i];

		if (strcmp(table_words + row->name, plain) == 0 &&
		    (version == 0 || row->version == version))
			found = row;
	}
	return found;
}

const char *const *group_calls(const char *name)
{
	static const char *shown[TABLE_MEMBERS];
	const struct group_row *row = find_group(name);
	const char **calls;

	if (!row)
		return NULL;
	/* Each group before this one has a NULL at its end. */
	calls = shown + row->start + (row - table_groups);
	for (size_t i = 0; i < row->count; i++)
		calls[i] = table_words +
			   table_calls[table_group_members[row->start + i]].name;
	calls[row->count] = NULL;
	return calls;
}

const struct group_title *group_titles(void)
{
	return table_titles;
}

/* Of the best so far (or NULL) and another word the one that is nearer to the mistyped. */
static const char *nearer(const char *mistyped, const char *best, const char *word)
{
	const char *const words[] = { best ? best : word, word, NULL };

	return text_nearest(mistyped, words);
}

const char *call_nearest(const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < table_call_count; i++)
		best = nearer(name, best, table_words + table_calls[i].name);
	return best;
}

const char *constant_nearest(const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < table_constant_count; i++)
		best = nearer(name, best, table_words + table_constants[i].name);
	return best;
}

const char *group_nearest(const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < table_group_count; i++)
		best = nearer(name, best, table_words + table_groups[i].name);
	return best;
}
