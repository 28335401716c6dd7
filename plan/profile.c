/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of options: profiles, pools and sbx.conf. A line is an option's long name, blanks
 * or `=`, and the operand as it stands to the end of the line.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "plan/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PROFILE_MAX = 1024 * 1024,
	NESTING_MAX = 16,
};

struct open_file {
	const struct open_file *outer;
	dev_t dev;
	ino_t ino;
	size_t depth;
};

static int read_profile(struct gatherer *gatherer, const char *path, struct error *err);
static int read_pool(struct gatherer *gatherer, const char *name, struct error *err);

/* ---- lines ---- */

static bool is_blank(char letter)
{
	return letter == ' ' || letter == '\t' || letter == '\r';
}

/* Splits "NAME [=] OPERAND" in place; *ret_operand is NULL where there is none. */
static char *split_line(char *line, char **ret_operand)
{
	char *end = line + strlen(line), *name;

	while (end > line && is_blank(end[-1]))
		*--end = '\0';
	while (is_blank(*line))
		line++;
	name = line;
	line += strcspn(line, " \t\r=");
	*ret_operand = NULL;
	if (!*line)
		return name;
	end = line;
	while (is_blank(*line))
		line++;
	if (*line == '=')
		line++;
	while (is_blank(*line))
		line++;
	*end = '\0';
	*ret_operand = line;
	return name;
}

static int nest(struct gatherer *gatherer, const char *name, const char *operand,
		const struct place *place, struct error *err)
{
	const char *path;

	if (!strcmp(name, "pool"))
		return read_pool(gatherer, operand, err);
	path = path_of_caller(gatherer->draft, place->base, operand, err);
	return path ? read_profile(gatherer, path, err) : -1;
}

static int take_line(struct gatherer *gatherer, char *line, const struct place *place,
		     struct error *err)
{
	char *operand, *name = split_line(line, &operand);

	if (!*name || *name == '#')
		return 0;
	if (*name == '-') {
		error_set(err, ERROR_CONFIG, "use %.80s: names stand without dashes here",
			  name);
		return error_hint(err, "write %.80s", name + strspn(name, "-"));
	}
	if (gather_option(gatherer, name, operand, place, err) < 0)
		return -1;
	if (operand && (!strcmp(name, "profile") || !strcmp(name, "pool")))
		return nest(gatherer, name, operand, place, err);
	return 0;
}

/* `use WHAT: WHY` becomes `use FILE:LINE: WHAT: WHY`; of nested files the inner one counts. */
static int name_line(struct gatherer *gatherer, const char *from, struct error *err)
{
	const char *use = "use ";

	if (text_starts_with(err->text, use))
		memmove(err->text, err->text + strlen(use),
			strlen(err->text + strlen(use)) + 1);
	err->id = ERROR_CONFIG;
	err->status = 0;
	gatherer->named = true;
	return error_within(err, "use %s", from);
}

int gather_text(struct gatherer *gatherer, char *text, size_t length, const char *name,
		const char *base, struct error *err)
{
	char *end = text + length;
	unsigned int number = 1;

	for (char *line = text; line < end; number++) {
		char *stop = memchr(line, '\n', (size_t)(end - line));
		char *next = stop ? stop + 1 : end;
		struct place place = {
			.from = arena_printf(&gatherer->draft->plan.arena, "%s:%u", name,
					     number),
			.base = base,
		};

		if (stop)
			*stop = '\0';
		if (memchr(line, '\0', (size_t)(next - line - (stop ? 1 : 0)))) {
			error_set(err, ERROR_CONFIG, "a NUL byte");
			return name_line(gatherer, place.from, err);
		}
		if (take_line(gatherer, line, &place, err) < 0)
			return gatherer->named ? -1
					       : name_line(gatherer, place.from, err);
		line = next;
	}
	return 0;
}

/* ---- files ---- */

static int check_nesting(const struct gatherer *gatherer, const struct stat *st,
			 const char *path, struct error *err)
{
	if (S_ISDIR(st->st_mode))
		return error_set(err, ERROR_CONFIG, "read %s: it is a directory", path);
	for (const struct open_file *file = gatherer->reading; file; file = file->outer) {
		if (file->dev == st->st_dev && file->ino == st->st_ino)
			return error_set(err, ERROR_CONFIG, "read %s: it includes itself",
					 path);
	}
	if (gatherer->reading && gatherer->reading->depth >= NESTING_MAX)
		return error_set(err, ERROR_CONFIG, "read %s: more than %d files deep",
				 path, NESTING_MAX);
	return 0;
}

static int read_open_file(struct gatherer *gatherer, int fd, const char *path,
			  struct error *err)
{
	struct arena *arena = &gatherer->draft->plan.arena;
	struct open_file file = { .outer = gatherer->reading };
	struct stat st;
	size_t length;
	char *text, *base;
	int result;

	if (fstat(fd, &st) < 0)
		return error_errno_id(err, ERROR_CONFIG, "read %s", path);
	if (check_nesting(gatherer, &st, path, err) < 0)
		return -1;
	text = files_read_all(arena, fd, PROFILE_MAX, &length);
	if (!text)
		return error_errno_id(err, ERROR_CONFIG, "read %s", path);
	file.dev = st.st_dev;
	file.ino = st.st_ino;
	file.depth = file.outer ? file.outer->depth + 1 : 1;
	base = arena_strdup(arena, path);
	base[strrchr(base, '/') - base + (strrchr(base, '/') == base)] = '\0';
	gatherer->reading = &file;
	result = gather_text(gatherer, text, length, path, base, err);
	gatherer->reading = file.outer;
	return result;
}

static int read_profile(struct gatherer *gatherer, const char *path, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return path_explain("read", path, errno, ERROR_CONFIG, err);
	return read_open_file(gatherer, fd, path, err);
}

int gather_file(struct gatherer *gatherer, const char *path, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0)
		return read_open_file(gatherer, fd, path, err);
	if (errno == ENOENT || errno == ENOTDIR)
		return 1;
	return error_errno_id(err, ERROR_CONFIG, "read %s", path);
}

const char *config_dir_of_user(struct draft *draft)
{
	const char *dir = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	struct error ignored;

	if (dir && dir[0] == '/')
		return arena_printf(&draft->plan.arena, "%s/sbx", dir);
	if (home && home[0] == '/')
		return arena_printf(&draft->plan.arena, "%s/.config/sbx", home);
	if (caller_account(draft, &ignored) != 0)
		return NULL;
	return arena_printf(&draft->plan.arena, "%s/.config/sbx",
			    draft->caller.account.home);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds those of one directory, if it is there. */
static void list_pools(struct arena *arena, const char *dir, struct text_list *list)
{
	DIR *pools = opendir(arena_printf(arena, "%s/pools.d", dir));

	if (!pools)
		return;
	for (struct dirent *each = readdir(pools); each; each = readdir(pools)) {
		if (each->d_name[0] == '.')
			continue;
		list->texts =
			arena_grow(arena, list->texts, list->count, sizeof(*list->texts));
		list->texts[list->count++] = arena_strdup(arena, each->d_name);
	}
	closedir(pools);
}

/* user: the user's directory, or NULL. */
static int refuse_pool(struct arena *arena, const char *name, const char *user,
		       struct error *err)
{
	struct text_list list = { NULL, 0 };
	const char *text = NULL;
	char shown[200];

	if (user)
		list_pools(arena, user, &list);
	list_pools(arena, CONFIG_DIR_OF_SYSTEM, &list);
	error_set(err, ERROR_USAGE, "use --pool: there is no pool '%.80s'", name);
	if (!list.texts)
		return error_hint(err, "put its options into %s/pools.d/%s",
				  user ? user : CONFIG_DIR_OF_SYSTEM, name);
	qsort(list.texts, list.count, sizeof(*list.texts), compare_names);
	for (size_t i = 0; i < list.count; i++) {
		if (i && !strcmp(list.texts[i], list.texts[i - 1]))
			continue;
		text = text ? arena_printf(arena, "%s, %s", text, list.texts[i])
			    : list.texts[i];
	}
	text_printable(shown, sizeof(shown), text);
	return error_hint(err, "there are: %s", shown);
}

static int read_pool(struct gatherer *gatherer, const char *name, struct error *err)
{
	struct arena *arena = &gatherer->draft->plan.arena;
	const char *dir = config_dir_of_user(gatherer->draft);
	int result = 1;

	if (strchr(name, '/') || name[0] == '.')
		return error_set(err, ERROR_USAGE, "use --pool: '%.80s' is not a name",
				 name);
	if (dir)
		result = gather_file(
			gatherer, arena_printf(arena, "%s/pools.d/%s", dir, name), err);
	if (result == 1)
		result = gather_file(
			gatherer,
			arena_printf(arena, CONFIG_DIR_OF_SYSTEM "/pools.d/%s", name),
			err);
	if (result != 1)
		return result;
	return refuse_pool(arena, name, dir, err);
}

static int read_named(struct gatherer *gatherer, const struct given *given,
		      struct error *err)
{
	if (!strcmp(given->row->name, "pool"))
		return read_pool(gatherer, given->operand, err);
	if (!strcmp(given->row->name, "profile")) {
		const char *path =
			path_of_caller(gatherer->draft, NULL, given->operand, err);

		return path ? read_profile(gatherer, path, err) : -1;
	}
	return 0;
}

/* A home that this user may not search holds no configuration of theirs. */
static bool is_out_of_reach(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0;
}

int gather_user_file(struct gatherer *gatherer, const char *dir, const char *name,
		     struct error *err)
{
	const char *path = arena_printf(&gatherer->draft->plan.arena, "%s/%s", dir, name);

	gatherer->level = LEVEL_USER;
	if (gather_file(gatherer, path, err) < 0 &&
	    !(err->errnum == EACCES && is_out_of_reach(path)))
		return -1;
	return 0;
}

static int read_configuration(struct gatherer *gatherer, struct error *err)
{
	const char *dir = config_dir_of_user(gatherer->draft);

	if (dir && gather_user_file(gatherer, dir, "sbx.conf", err) < 0)
		return -1;
	gatherer->level = LEVEL_SYSTEM;
	return gather_file(gatherer, CONFIG_DIR_OF_SYSTEM "/sbx.conf", err) < 0 ? -1 : 0;
}

static bool was_given(const struct gatherer *gatherer, const char *name)
{
	for (size_t i = 0; i < gatherer->count; i++) {
		if (!strcmp(gatherer->given[i].row->name, name) &&
		    !gatherer->given[i].negated)
			return true;
	}
	return false;
}

int gather_named(struct gatherer *gatherer, struct error *err)
{
	size_t words = gatherer->count;

	gatherer->level = LEVEL_PROFILE;
	for (size_t i = 0; i < words; i++) {
		/* a copy: the list moves while it grows */
		struct given given = gatherer->given[i];

		if (read_named(gatherer, &given, err) < 0)
			return -1;
	}
	return 0;
}

int gather_files(struct gatherer *gatherer, struct error *err)
{
	if (gather_named(gatherer, err) < 0)
		return -1;
	if (was_given(gatherer, "no-config") || was_given(gatherer, "pure"))
		return 0;
	return read_configuration(gatherer, err);
}
