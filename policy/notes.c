/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/readers.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"

static const char **room(const struct notes *notes)
{
	return arena_grow(notes->arena, notes->lines, notes->count,
			  sizeof(*notes->lines));
}

void notes_add(struct notes *notes, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	notes->lines = room(notes);
	notes->lines[notes->count++] = arena_strdup(notes->arena, line);
	notes->lines = room(notes);
	notes->lines[notes->count] = NULL;
}
