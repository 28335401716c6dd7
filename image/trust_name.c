/* SPDX-License-Identifier: Apache-2.0 */
/* What is compared: names of images, prefixes of them, and how these are kept as file names. */
#include "image/trust_store.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "image/image.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Those that image_recognize() takes for no file, whatever there is: "x://y" may be a path. */
bool trust_is_reference(const char *name)
{
	return text_starts_with(name, "docker://") || text_starts_with(name, "https://");
}

/* ---- paths ----------------------------------------------------------------------------- */

/* The path with one component more, or for ".." one less. */
static size_t add_component(char *path, size_t length, const char *component, size_t size)
{
	if (size == 0 || (size == 1 && component[0] == '.'))
		return length;
	if (size == 2 && memcmp(component, "..", 2) == 0) {
		while (length > 0 && path[--length] != '/')
			;
		return length;
	}
	path[length++] = '/';
	memcpy(path + length, component, size);
	return length + size;
}

const char *trust_path_clean(const char *path, struct arena *arena, struct error *err)
{
	char here[PATH_MAX] = "";
	size_t length = 0;
	const char *whole;
	char *clean;

	if (path[0] != '/' && (!getcwd(here, sizeof(here)) || here[0] != '/')) {
		error_errno(err, "tell the working directory");
		return NULL;
	}
	whole = arena_printf(arena, "%s/%s", here, path);
	clean = arena_alloc(arena, strlen(whole) + 2);
	for (const char *at = whole; *at;) {
		const size_t size = strcspn(at, "/");

		length = add_component(clean, length, at, size);
		at += size + (at[size] == '/');
	}
	if (length == 0)
		clean[length++] = '/';
	clean[length] = '\0';
	return clean;
}

const char *trust_prefix_clean(const char *prefix, struct arena *arena, struct error *err)
{
	size_t length = strlen(prefix);

	if (length == 0) {
		error_set(err, ERROR_USAGE, "use an empty prefix");
		error_hint(err, "the prefix / covers all images");
		return NULL;
	}
	if (!trust_is_reference(prefix))
		return trust_path_clean(prefix, arena, err);
	while (prefix[length - 1] == '/' && prefix[length - 2] != '/')
		length--;
	return arena_strndup(arena, prefix, length);
}

/* ---- names ----------------------------------------------------------------------------- */

/* A regular file that is standard input is named by its path: the user could have typed it. */
static const char *name_of_input(struct arena *arena)
{
	char path[PATH_MAX];

	return realpath("/proc/self/fd/0", path) ? arena_strdup(arena, path) : "-";
}

const char *trust_name(const char *operand, struct arena *arena, struct error *err)
{
	const char *tag;

	if (strcmp(operand, "-") == 0)
		return name_of_input(arena);
	if (trust_is_reference(operand))
		return arena_strdup(arena, operand);
	return trust_path_clean(image_operand_path(operand, arena, &tag), arena, err);
}

/* What a component of a name may be followed by; a reference has a tag or a digest too. */
static bool is_end(const char *name, char behind)
{
	return behind == '\0' || behind == '/' ||
	       (trust_is_reference(name) && (behind == ':' || behind == '@'));
}

bool trust_prefix_covers(const char *prefix, const char *name)
{
	const size_t length = strlen(prefix);

	if (strcmp(prefix, "/") == 0)
		return true;
	return strncmp(prefix, name, length) == 0 && is_end(name, name[length]);
}

/* ---- file names ------------------------------------------------------------------------ */

const char *trust_prefix_encode(const char *prefix, struct arena *arena)
{
	char *name = arena_alloc(arena, 3 * strlen(prefix) + 1);
	char *to = name;

	for (const char *at = prefix; *at; at++) {
		const char *code = *at == '/' ? "%2F" : *at == '%' ? "%25" : NULL;

		if (code) {
			memcpy(to, code, 3);
			to += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
	return name;
}

/* One name for one prefix: what would be encoded otherwise is not the name of it. */
const char *trust_prefix_decode(const char *name, struct arena *arena)
{
	char *prefix = arena_alloc(arena, strlen(name) + 1);
	char *to = prefix;
	struct error ignored;
	const char *clean;

	for (const char *at = name; *at; at++) {
		if (strncmp(at, "%2F", 3) == 0) {
			*to++ = '/';
			at += 2;
		} else if (strncmp(at, "%25", 3) == 0) {
			*to++ = '%';
			at += 2;
		} else if (*at == '%') {
			return NULL;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
	if (prefix[0] != '/' && !trust_is_reference(prefix))
		return NULL;
	clean = trust_prefix_clean(prefix, arena, &ignored);
	return clean && strcmp(clean, prefix) == 0 ? prefix : NULL;
}
