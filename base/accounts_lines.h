/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_ACCOUNTS_LINES_H
#define SBX_BASE_ACCOUNTS_LINES_H

/*
 * The lines that accounts are in, and their fields; whether they stand in a file or in what
 * a program answered. For the rooms of base/accounts.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* The largest id: (uid_t)-1 means "no id" to the kernel. */
#define ID_LAST (UINT32_MAX - 1)

/* A part of a line, not ended by NUL. */
struct field {
	const char *text;
	size_t length;
};

/* Takes the next field off *rest. False when there is none. */
bool field_take(struct field *rest, char separator, struct field *ret_field);

bool field_is(const struct field *field, const char *text);

/* -1: there is no room for it. */
int field_copy(char *to, size_t size, const struct field *field);

/* base as for text_to_u64(). */
int field_number(const struct field *field, int base, uint64_t *ret_value);

int field_id(const struct field *field, uint32_t *ret_id);

/* What is wanted of a file: asked for every line, in order, until it says stop. */
struct search {
	const char *name;
	const uint32_t *uid;
	struct account *account; /* passwd */
	uint32_t *gid;           /* group by name */
	uint32_t *gids;          /* groups of name */
	struct subid_range *ranges;
	size_t max, count;
	bool is_found;
	bool (*take)(struct search *search, const char *line, size_t length);
};

/*
 * A file of the root, or with -1 of the host. 0, or -1 and err; a missing file has no lines.
 */
int accounts_search_file(int root_fd, const char *path, struct search *search,
			 struct error *err);

/* The same for the output of a program. */
void accounts_search_text(const char *text, struct search *search);

#endif
