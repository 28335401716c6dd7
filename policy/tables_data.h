/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_TABLES_DATA_H
#define SBX_POLICY_TABLES_DATA_H

/*
 * What policy/tables/generate.py makes of the lists, for tables.c alone. Strings are
 * offsets into table_words: nothing here but the titles has to be relocated at the start.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/tables.h"

#define NO_NUMBER UINT32_MAX

extern const char table_words[];

struct call_row {
	uint32_t name;
	uint32_t numbers[ABI_COUNT];
	uint16_t argument_start;
	uint8_t argument_count;
};

struct argument_row {
	uint32_t name, family; /* family: 0, the empty string, for none */
	uint8_t kind, wide;
};

extern const struct call_row table_calls[]; /* by name */
extern const size_t table_call_count;

/* Rows from 1 by FNV-1a of their names, the next free place where one is taken; 0: none. */
enum { CALL_PLACE_COUNT = 4096 };
extern const uint16_t table_call_places[];

extern const struct argument_row table_arguments[];

/* Of ABI a: from table_abi_starts[a] on, before table_abi_starts[a + 1]. */
extern const uint16_t table_abi_starts[];
extern const uint32_t table_numbers[];   /* rising */
extern const uint16_t table_by_number[]; /* rows of table_calls */

enum machine { MACHINE_X86, MACHINE_ARM, MACHINE_COUNT };

struct constant_row {
	uint32_t name;
	uint8_t on; /* bits of 1 << enum machine */
	uint64_t values[MACHINE_COUNT];
};

struct family_row {
	uint32_t name;
	uint16_t start, count; /* in table_family_members, which are rows of constants */
};

extern const struct constant_row table_constants[]; /* by name */
extern const size_t table_constant_count;
extern const struct family_row table_families[]; /* by name */
extern const size_t table_family_count;
extern const uint16_t table_family_members[];

struct group_row {
	uint32_t name;
	uint16_t version;
	uint16_t start, count; /* in table_group_members, which are rows of calls */
};

extern const struct group_row table_groups[]; /* by name and version */
extern const size_t table_group_count;
extern const uint16_t table_group_members[];
extern const struct group_title table_titles[];

/* Room for what is handed out with pointers; the generated tables check that it is enough. */
enum { TABLE_ARGUMENTS = 1600, TABLE_MEMBERS = 3000 };

#endif
