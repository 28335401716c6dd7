/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planning.h"

#include "base/fd.h"
#include "base/files.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum {
	WORDS_MAX = 64,
	TEXT_MAX = 16384,
};

const char *planning_path(const struct planning *planning, const char *name)
{
	static char paths[8][4096];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", planning->path, name);
	return path;
}

static void make_parents(const char *path)
{
	char part[4096];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		/* most of them are there already */
		(void)mkdir(part, 0755);
		*slash = '/';
	}
}

const char *planning_write(const struct planning *planning, const char *name,
			   const char *text)
{
	const char *path = planning_path(planning, name);
	auto_close int fd = -1;

	make_parents(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		abort();
	return path;
}

static void fill_root(const struct planning *planning)
{
	if (chmod(planning_write(planning, "root/bin/tool", "#!/bin/sh\n"), 0755) < 0 ||
	    chmod(planning_write(planning, "root/bin/sh", "no ELF\n"), 0755) < 0)
		abort();
	planning_write(planning, "root/etc/passwd",
		       "root:x:0:0:root:/root:/bin/sh\napp:x:7:8:App:/srv/app:/bin/sh\n");
	planning_write(planning, "root/etc/group", "root:x:0:\nstaff:x:9:\n");
}

int planning_make(void **state)
{
	static struct planning place; /* one for each test program */
	struct planning *planning = &place;
	const char *parent = getenv("TMPDIR");
	char path[sizeof(planning->path)], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sbx-test.XXXXXX",
		 parent && parent[0] == '/' ? parent : "/tmp");
	if (!mkdtemp(path) || !realpath(path, real) || strlen(real) >= sizeof(path))
		return -1;
	snprintf(planning->path, sizeof(planning->path), "%.*s", (int)sizeof(path) - 1,
		 real);
	*state = planning;
	fill_root(planning);
	planning_write(planning, "home/.config/sbx/.keep", "");
	planning_write(planning, "work/.keep", "");
	setenv("HOME", planning_path(planning, "home"), 1);
	unsetenv("XDG_CONFIG_HOME");
	return chdir(planning_path(planning, "work"));
}

int planning_remove(void **state)
{
	struct planning *planning = *state;
	int removed;

	plan_free(&planning->plan);
	removed = chdir("/") < 0 ? -1 : files_remove_tree(AT_FDCWD, planning->path);
	return removed;
}

/* Copies words, with each @ that begins a word or an operand replaced. */
static void expand_place(const struct planning *planning, const char *words, char *to)
{
	char before = ' ';

	for (; *words; words++) {
		if (*words == '@' && strchr(" =:", before))
			to += sprintf(to, "%s", planning->path);
		else
			*to++ = *words;
		before = *words;
	}
	*to = '\0';
}

int planning_words(struct planning *planning, const char *words)
{
	/* a plan borrows its words, and a test may hold two of them */
	static struct {
		char text[TEXT_MAX];
		const char *list[WORDS_MAX + 1];
	} kept[2];
	static unsigned int next;
	char *text = kept[++next % 2].text;
	const char **list = kept[next % 2].list;
	size_t count = 0;

	plan_free(&planning->plan);
	memset(&planning->err, 0, sizeof(planning->err));
	expand_place(planning, words, text);
	for (char *word = strtok(text, " "); word && count < WORDS_MAX;
	     word = strtok(NULL, " "))
		list[count++] = word;
	list[count] = NULL;
	return plan_from_args(list, planning->roots, true, &planning->plan,
			      &planning->err);
}

int planning_root(struct planning *planning, const char *words)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "--no-config -R @/root %s tool", words);
	return planning_words(planning, text);
}

static void assert_refused(const struct planning *planning, int result, const char *words,
			   const char *text)
{
	if (result == 0)
		fail_msg("not refused: %s", words);
	if (!strstr(planning->err.text, text))
		fail_msg("%s: '%s' is not in '%s'", words, text, planning->err.text);
}

void planning_refuses(struct planning *planning, const char *words, const char *text)
{
	assert_refused(planning, planning_words(planning, words), words, text);
}

void planning_refuses_root(struct planning *planning, const char *words, const char *text)
{
	assert_refused(planning, planning_root(planning, words), words, text);
}

const struct mount_entry *planning_mount(const struct planning *planning,
					 const char *dest, size_t *ret_index)
{
	const struct rootfs_spec *rootfs = &planning->plan.rootfs;

	for (size_t i = 0; i < rootfs->mount_count; i++) {
		if (strcmp(rootfs->mounts[i].dest, dest) != 0)
			continue;
		if (ret_index)
			*ret_index = i;
		return &rootfs->mounts[i];
	}
	return NULL;
}

const char *planning_env(const struct planning *planning, const char *name)
{
	const struct process_spec *process = &planning->plan.process;
	size_t length = strlen(name);

	for (size_t i = 0; i < process->env_count; i++) {
		if (!strncmp(process->env[i], name, length) &&
		    process->env[i][length] == '=')
			return process->env[i] + length + 1;
	}
	return NULL;
}
