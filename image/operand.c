/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"

static const char *const schemes[] = { "oci:", "oci-archive:", "docker-archive:" };

/* What stands behind the scheme; NULL: there is none. */
static const char *skip_scheme(const char *operand)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (text_starts_with(operand, schemes[i]))
			return operand + strlen(schemes[i]);
	}
	return NULL;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The longest beginning that ends before a colon and is there: a tag may have colons too. */
static char *find_path(const char *text, struct arena *arena)
{
	char *path = arena_strdup(arena, text);

	for (;;) {
		char *colon = strrchr(path, ':');

		if (!colon || colon == path)
			return NULL;
		*colon = '\0';
		if (exists(path))
			return path;
	}
}

const char *image_operand_path(const char *operand, struct arena *arena,
			       const char **ret_tag)
{
	const char *rest = skip_scheme(operand);
	const char *path;

	*ret_tag = NULL;
	if (!rest)
		return operand;
	if (exists(rest))
		return rest;
	path = find_path(rest, arena);
	if (!path)
		return rest;
	if (rest[strlen(path) + 1] != '\0')
		*ret_tag = rest + strlen(path) + 1;
	return path;
}
