/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of entries. They are bytes, and stay the bytes that the archive has. For that the
 * process must stay in the locale "C": in a UTF-8 locale libarchive brings the names of pax
 * headers into a normal form of Unicode, so that files get another name, and two may
 * become one. In "C" it gives up on such a name with ARCHIVE_WARN, and hands it out as it is.
 */
#include "image/extract_parts.h"

#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

const char *extract_shown(const char *path, char buffer[SHOWN_MAX + 4])
{
	size_t length = strlen(path);

	if (length == 0)
		return "/";
	if (length <= SHOWN_MAX)
		return path;
	snprintf(buffer, SHOWN_MAX + 4, "...%s", path + length - SHOWN_MAX);
	return buffer;
}

/* "a/b" becomes "a", "a" becomes "". False: there is none. */
static bool drop_component(const char *path, size_t *length)
{
	if (*length == 0)
		return false;
	while (*length > 0 && path[*length - 1] != '/')
		(*length)--;
	if (*length > 0)
		(*length)--;
	return true;
}

static int add_component(const char *raw, const char *component, size_t size, char *path,
			 size_t *length, struct error *err)
{
	char shown[SHOWN_MAX + 4];
	size_t slash = *length > 0 ? 1 : 0;

	if (*length + slash + size > EXTRACT_PATH_MAX)
		return error_set(err, ERROR_IMAGE,
				 "extract %s: its path is longer than %d bytes",
				 extract_shown(raw, shown), EXTRACT_PATH_MAX);
	if (slash)
		path[(*length)++] = '/';
	memcpy(path + *length, component, size);
	*length += size;
	return 0;
}

static int normalize(const char *raw, char path[EXTRACT_PATH_MAX + 1], struct error *err)
{
	char shown[SHOWN_MAX + 4];
	size_t length = 0;
	size_t size;

	for (const char *at = raw; *at != '\0'; at += size) {
		if (*at == '/') {
			size = 1;
			continue;
		}
		size = strcspn(at, "/");
		if (size == 1 && at[0] == '.')
			continue;
		if (size == 2 && at[0] == '.' && at[1] == '.') {
			if (drop_component(path, &length))
				continue;
			return error_set(err, ERROR_IMAGE,
					 "extract %s: the name leads out of the root",
					 extract_shown(raw, shown));
		}
		if (add_component(raw, at, size, path, &length, err) < 0)
			return -1;
	}
	path[length] = '\0';
	return 0;
}

int entry_path(const char *raw, const char *strip, char ret_path[EXTRACT_PATH_MAX + 1],
	       struct error *err)
{
	size_t length = strip ? strcspn(strip, "/") : 0;
	const char *rest;

	if (!raw)
		return error_set(err, ERROR_IMAGE, "extract an entry: it has no name");
	if (normalize(raw, ret_path, err) < 0)
		return -1;
	if (length == 0)
		return 1;
	if (strncmp(ret_path, strip, length) != 0)
		return 0;
	rest = ret_path + length;
	if (*rest != '\0' && *rest != '/')
		return 0;
	if (*rest == '/')
		rest++;
	memmove(ret_path, rest, strlen(rest) + 1);
	return 1;
}

/* ---- whiteouts ------------------------------------------------------------------------- */

/*
 * OCI image layer specification, "Whiteouts". ".wh..wh.*" but for the opaque one is what
 * aufs wrote down for itself (.wh..wh.aufs, .wh..wh.plnk, .wh..wh.orph): it is left out, as
 * is what is below it.
 */
static int whiteout_of(const char *path, const char *component, size_t size,
		       enum whiteout *ret_kind, struct error *err)
{
	static const char opaque[] = ".wh..wh..opq";
	const bool is_last = component[size] == '\0';
	char shown[SHOWN_MAX + 4];

	if (!text_starts_with(component, ".wh."))
		return 0;
	if (is_last && strcmp(component, opaque) == 0) {
		*ret_kind = WHITEOUT_OPAQUE;
		return 0;
	}
	if (text_starts_with(component, ".wh..wh.")) {
		*ret_kind = WHITEOUT_IGNORED;
		return 0;
	}
	*ret_kind = WHITEOUT_NAME;
	if (is_last && size > 4 && strcmp(component, ".wh..") != 0 &&
	    strcmp(component, ".wh...") != 0)
		return 0;
	return error_set(err, ERROR_IMAGE, "extract %s: this is no whiteout of a file",
			 extract_shown(path, shown));
}

int entry_whiteout(const char *path, enum whiteout *ret_kind, const char **ret_hidden,
		   struct error *err)
{
	const char *component = path;

	*ret_kind = WHITEOUT_NONE;
	while (*ret_kind == WHITEOUT_NONE && *component != '\0') {
		size_t size = strcspn(component, "/");

		if (whiteout_of(path, component, size, ret_kind, err) < 0)
			return -1;
		if (*ret_kind == WHITEOUT_NAME)
			*ret_hidden = component + strlen(".wh.");
		component += size;
		if (*component == '/')
			component++;
	}
	return 0;
}
