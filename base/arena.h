/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_ARENA_H
#define SBX_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

/*
 * Memory that is given back all at once. Zeroed memory is a valid empty arena. Running
 * out of memory ends the program with status 125: while a plan is built nothing can be
 * left behind yet.
 */
struct arena {
	struct arena_block *blocks;
};

void arena_free(struct arena *arena);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_alloc() of count elements; ends the program when the product overflows. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Returns an array with room for one element more than count holds: the given one, or a
 * larger copy of it. `list = arena_grow(arena, list, count, sizeof(*list));
 * list[count++] = …`. The array must come from arena_grow() of the same arena, or be NULL
 * with count 0.
 */
void *arena_grow(struct arena *arena, const void *array, size_t count, size_t size);

#endif
