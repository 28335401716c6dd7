/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs, file by file: diff(1) of the host gets both of them as descriptors, so that
 * no name in the directory or the layer is looked up by it. Links and modes are told here.
 * On a terminal whatever the command wrote is made harmless, and a pager shows it.
 */
#include "launcher/try.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/page.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "launcher/command_words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 4096, OLD_FD = 10, NEW_FD = 11 };

/* Where the text goes. */
struct output {
	int fd;
	bool shown; /* on a terminal, by a pager or without one */
	pid_t pager;
};

/* ---- the pager ------------------------------------------------------------------------- */

static bool is_in_path(const char *name)
{
	const char *list = getenv("PATH");
	char path[PATH_MAX];

	for (const char *at = list; at && *at; at += *at == ':') {
		const int length = (int)strcspn(at, ":");

		if (snprintf(path, sizeof(path), "%.*s/%s", length, at, name) <
			    (int)sizeof(path) &&
		    access(path, X_OK) == 0)
			return true;
		at += length;
	}
	return false;
}

static _Noreturn void become_pager(const char *command, int from)
{
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(from, STDIN_FILENO) < 0)
		_exit(127);
	/* Short texts are printed; what the user has said holds. */
	(void)setenv("LESS", "FX", 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Without one the text goes to the terminal itself. */
static void start_pager(struct output *output)
{
	const char *command = getenv("PAGER");
	int ends[2];

	if (!command || !*command)
		command = is_in_path("less") ? "less" : NULL;
	if (!command || pipe2(ends, O_CLOEXEC) < 0)
		return;
	output->pager = fork();
	if (output->pager == 0)
		become_pager(command, ends[0]);
	close(ends[0]);
	if (output->pager > 0)
		output->fd = ends[1];
	else
		close(ends[1]);
}

static void await(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
}

static void end_pager(struct output *output)
{
	int ignored;

	if (output->pager <= 0)
		return;
	fd_close(&output->fd);
	await(output->pager, &ignored);
}

/* ---- text ------------------------------------------------------------------------------ */

/* Tabs and line ends stay; all else that a terminal obeys is shown. */
static int put_harmless(const struct output *output, char *text)
{
	char shown[LINE * 4 + 1];

	while (*text) {
		const size_t length = strcspn(text, "\t\n");
		const char end = text[length];

		text[length] = '\0';
		text_harmless(shown, sizeof(shown), text);
		if (fd_write_all(output->fd, shown, strlen(shown)) < 0 ||
		    (end && fd_write_all(output->fd, &end, 1) < 0))
			return -1;
		text += length + (end != '\0');
	}
	return 0;
}

static int put(const struct output *output, const char *text)
{
	return fd_write_all(output->fd, text, strlen(text));
}

/* NUL would end the text. */
static void replace_nul(char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!bytes[i])
			bytes[i] = '\001';
}

/* Up to behind the last line end; of a line that is longer than there is room, all. */
static size_t whole_lines(const char *part, size_t length)
{
	for (size_t at = length; at > 0; at--)
		if (part[at - 1] == '\n')
			return at;
	return length == LINE ? length : 0;
}

static ssize_t read_part(int from, char *to, size_t size)
{
	ssize_t length;

	do
		length = read(from, to, size);
	while (length < 0 && errno == EINTR);
	if (length > 0)
		replace_nul(to, (size_t)length);
	return length;
}

/* Line by line, so that no character is cut. */
static int copy_harmless(const struct output *output, int from)
{
	char part[LINE + 1], rest[LINE];
	size_t left = 0;
	ssize_t length;

	do {
		size_t all, used;

		length = read_part(from, part + left, LINE - left);
		if (length < 0)
			return -1;
		all = left + (size_t)length;
		used = length ? whole_lines(part, all) : all;
		left = all - used;
		memcpy(rest, part + used, left);
		part[used] = '\0';
		if (put_harmless(output, part) < 0)
			return -1;
		memcpy(part, rest, left);
	} while (length > 0);
	return 0;
}

/* ---- one file -------------------------------------------------------------------------- */

struct pair {
	const char *label;
	int before, after; /* -1: there is none */
};

static _Noreturn void become_diff(const struct pair *pair, const char *before_label,
				  const char *after_label, int output)
{
	const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int before = fcntl(pair->before < 0 ? nothing : pair->before, F_DUPFD, 20);
	const int after = fcntl(pair->after < 0 ? nothing : pair->after, F_DUPFD, 20);

	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(before, OLD_FD) < 0 ||
	    dup2(after, NEW_FD) < 0)
		_exit(127);
	(void)sys_close_range(NEW_FD + 1, UINT_MAX, 0);
	execlp("diff", "diff", "-u", "-L", before_label, "-L", after_label,
	       "/proc/self/fd/10", "/proc/self/fd/11", (char *)NULL);
	_exit(127);
}

static int refuse_diff(int status, struct error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		error_set(err, ERROR_PLAIN,
			  "show what differs: there is no diff in PATH");
		return error_hint(err, "diffutils has it");
	}
	return error_set(err, ERROR_PLAIN, "show what differs: diff failed");
}

static int follow_diff(const struct output *output, const int ends[2], pid_t pid,
		       struct error *err)
{
	int failed = 0, status = 0;

	if (output->shown) {
		close(ends[1]);
		failed = copy_harmless(output, ends[0]);
		close(ends[0]);
	}
	await(pid, &status);
	/* 0: none, 1: some differences; a pager that was left is the end. */
	if (failed || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE))
		return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) <= 1 ? 0
							     : refuse_diff(status, err);
}

/* 0; 1: nobody reads any more; -1: error. */
static int diff_files(const struct output *output, const struct pair *pair,
		      const char *before, const char *after, struct error *err)
{
	int ends[2] = { -1, output->fd };
	pid_t pid;

	if (output->shown && pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	pid = fork();
	if (pid == 0)
		become_diff(pair, before, after, ends[1]);
	if (pid < 0)
		return error_errno(err, "start diff");
	return follow_diff(output, ends, pid, err);
}

/* ---- one change ------------------------------------------------------------------------ */

static int open_beneath(int dir, const char *path, int flags)
{
	const struct sys_open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = SYS_RESOLVE_BENEATH | SYS_RESOLVE_NO_SYMLINKS,
	};

	return sys_openat2(dir, path, &how);
}

static void put_link(struct page *page, const char *mark, int dir, const char *path)
{
	auto_close int link = open_beneath(dir, path, O_PATH);
	char target[PATH_MAX];
	ssize_t length = link < 0 ? -1 : readlinkat(link, "", target, sizeof(target) - 1);

	if (length < 0)
		return;
	target[length] = '\0';
	page_put(page, mark);
	page_put_printable(page, target);
	page_put(page, "\n");
}

struct shown {
	const struct try_directory *directory;
	const struct change *change;
	const char *before, *after; /* labels */
};

static int show_other(const struct output *output, const struct shown *shown,
		      struct arena *arena)
{
	const struct change *change = shown->change;
	const bool link = change->type == 'l';
	struct page page = { .arena = arena };

	page_printf(&page, "--- %s\n+++ %s\n", shown->before, shown->after);
	if (link && change->kind != CHANGE_CREATED)
		put_link(&page, "-link to ", shown->directory->lower, change->path);
	if (link && change->kind != CHANGE_REMOVED)
		put_link(&page, "+link to ", shown->directory->upper, change->path);
	if (!link && change->kind != CHANGE_CHANGED)
		page_printf(&page, "%s%s\n", change->kind == CHANGE_CREATED ? "+" : "-",
			    change->type == 'd'   ? "directory"
			    : change->type == 'p' ? "pipe"
						  : "socket");
	return put(output, page_text(&page)) < 0 ? 1 : 0;
}

static int show_modes(const struct output *output, const struct shown *shown,
		      struct arena *arena)
{
	const struct change *change = shown->change;

	if (change->kind != CHANGE_CHANGED || change->mode_before == change->mode_after)
		return 0;
	return put(output, arena_printf(arena, "old mode %04o %s\nnew mode %04o %s\n",
					change->mode_before, shown->before,
					change->mode_after, shown->after)) < 0
		       ? 1
		       : 0;
}

static int show_file(const struct output *output, const struct shown *shown,
		     struct arena *arena, struct error *err)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	const struct change *change = shown->change;
	auto_close int before = -1;
	auto_close int after = -1;
	struct pair pair;

	if (change->kind != CHANGE_CREATED)
		before = open_beneath(shown->directory->lower, change->path, flags);
	if (change->kind != CHANGE_REMOVED)
		after = open_beneath(shown->directory->upper, change->path, flags);
	if ((before < 0 && change->kind != CHANGE_CREATED) ||
	    (after < 0 && change->kind != CHANGE_REMOVED))
		return put(output,
			   arena_printf(arena, "%s cannot be read\n", shown->after)) < 0
			       ? 1
			       : 0;
	pair = (struct pair){ .before = before, .after = after };
	return diff_files(output, &pair, shown->before, shown->after, err);
}

static int show_change(const struct output *output, const struct try_directory *directory,
		       const char *prefix, const struct change *change,
		       struct arena *arena, struct error *err)
{
	const char *path =
		printable(arena, arena_printf(arena, "%s%s", prefix, change->path));
	const struct shown shown = {
		.directory = directory,
		.change = change,
		.before = change->kind == CHANGE_CREATED
				  ? "/dev/null"
				  : arena_printf(arena, "a/%s", path),
		.after = change->kind == CHANGE_REMOVED
				 ? "/dev/null"
				 : arena_printf(arena, "b/%s", path),
	};
	int done = show_modes(output, &shown, arena);

	if (done || (change->kind == CHANGE_CHANGED && !change->content))
		return done;
	if (change->type != 'f')
		return show_other(output, &shown, arena);
	return show_file(output, &shown, arena, err);
}

/* ---- all of them ----------------------------------------------------------------------- */

static int show_all(const struct output *output, const struct try_entry *entry,
		    const char *here, struct error *err)
{
	for (size_t i = 0; i < entry->count; i++) {
		const struct try_directory *directory = &entry->directories[i];
		const bool is_here = here && !strcmp(directory->path, here);

		for (size_t j = 0; j < directory->count; j++) {
			struct arena arena = { 0 };
			const char *prefix = is_here ? ""
						     : arena_printf(&arena, "%s/",
								    directory->path + 1);
			int done = show_change(output, directory, prefix,
					       &directory->changes[j], &arena, err);

			arena_free(&arena);
			if (done)
				return done;
		}
	}
	return 0;
}

int try_diff(const struct try_entry *entry, const char *here, struct arena *arena,
	     struct error *err)
{
	struct output output = { .fd = STDOUT_FILENO, .shown = isatty(STDOUT_FILENO) };
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	int done;

	(void)arena;
	if (output.shown)
		start_pager(&output);
	done = show_all(&output, entry, here, err);
	end_pager(&output);
	(void)signal(SIGPIPE, before);
	return done < 0 ? -1 : 0;
}
