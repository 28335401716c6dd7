/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bubblewrap's words from anybody: lines up to an empty one are the command line, the rest
 * is what --args can read. They are refused in one line, or make a plan in which every
 * list is whole.
 */
#include "base/error.h"
#include "base/fd.h"
#include "plan/plan.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	WORDS_MAX = 256,
	TEXT_MAX = 64 * 1024,
	/* reading closes them: no descriptor of the fuzzer's own may be named */
	ARGS_FD = 200,
	FILTER_FD = 201,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

static void check_mounts(const struct rootfs_spec *rootfs)
{
	for (size_t i = 0; i < rootfs->mount_count; i++) {
		const struct mount_entry *entry = &rootfs->mounts[i];

		if (entry->dest[0] != '/')
			fail("a destination that is not absolute", entry->dest);
		if (entry->kind == MOUNT_BIND &&
		    !entry->source != !!(entry->flags & MOUNT_F_FD))
			fail("a bind without a source, or with two", entry->dest);
		if (entry->flags & MOUNT_F_FD && entry->fd < 0)
			fail("a descriptor that is none", entry->dest);
		if (entry->kind == MOUNT_OVERLAY && !entry->lower_count)
			fail("an overlay without layers", entry->dest);
	}
}

static void check_plan(const struct plan *plan)
{
	const struct process_spec *process = &plan->process;
	struct error err;

	check_mounts(&plan->rootfs);
	if (!process->argc || process->argv[process->argc])
		fail("a command that does not end", "");
	for (size_t i = 0; i < process->env_count; i++) {
		if (!process->env[i])
			fail("a variable that is none", "");
	}
	if (process->env[process->env_count])
		fail("an environment that does not end", "");
	if (plan->ids.uids.count && (id_map_check(&plan->ids.uids, &err) < 0 ||
				     id_map_check(&plan->ids.gids, &err) < 0))
		fail("a map that is refused", err.text);
	if (plan->policy.caps.kept & ~caps_all())
		fail("a capability that is unknown", "");
}

static void check_error(const struct error *err)
{
	if (!err->text[0] || strlen(err->text) >= sizeof(err->text))
		fail("an error without a text", "");
}

static void check_warnings(const struct wrap_spec *wrap)
{
	for (size_t i = 0; i < wrap->warning_count; i++) {
		if (!wrap->warnings[i][0])
			fail("a warning without a text", "");
	}
}

/* The bytes can be read from the descriptor fd. */
static void offer(const char *bytes, size_t size, int fd)
{
	int file = memfd_create("words", MFD_CLOEXEC);

	if (file < 0 || fd_write_all(file, bytes, size) < 0 ||
	    lseek(file, 0, SEEK_SET) < 0 || dup3(file, fd, O_CLOEXEC) < 0)
		fail("no file", "");
	close(file);
}

/* Lines become words, up to an empty one if that stops; returns what follows. */
static char *take_words(char *text, bool stops, const char **words, size_t *count)
{
	while (*text && *count < WORDS_MAX) {
		size_t length = strcspn(text, "\n");
		bool last = !text[length];

		if (!length && stops)
			return text + 1;
		text[length] = '\0';
		words[(*count)++] = text;
		text += length + !last;
	}
	words[*count] = NULL;
	return text;
}

/* What is read while parsing is read from the files of this target alone. */
static void lead_to_files(const char **words, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (!strcmp(words[i - 1], "--args"))
			words[i] = "200";
		else if (!strcmp(words[i - 1], "--add-seccomp-fd"))
			words[i] = "201";
	}
}

static void offer_words(const char *const *words, size_t count)
{
	char *bytes;
	size_t size;
	FILE *file = open_memstream(&bytes, &size);

	for (size_t i = 0; file && i < count; i++)
		fwrite(words[i], 1, strlen(words[i]) + 1, file);
	if (!file || fclose(file) != 0)
		fail("no memory", "");
	offer(bytes, size, ARGS_FD);
	free(bytes);
}

static void try_words(const char *const *words)
{
	struct plan plan = { 0 };
	struct error err;

	memset(&err, 0, sizeof(err));
	if (plan_from_bwrap(words, &plan, &err) < 0)
		check_error(&err);
	else if (!plan.wrap.answer)
		check_plan(&plan);
	check_warnings(&plan.wrap);
	plan_free(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *words[WORDS_MAX + 1] = { "bwrap" }, *more[WORDS_MAX + 1] = { NULL };
	size_t count = 1, more_count = 0;
	char text[TEXT_MAX];
	char *rest;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	rest = take_words(text, true, words, &count);
	take_words(rest, false, more, &more_count);
	words[count] = NULL;
	lead_to_files(words, count);
	lead_to_files(more, more_count);
	offer_words(more, more_count);
	offer("12345678", 8, FILTER_FD);
	try_words(words);
	close(ARGS_FD);
	close(FILTER_FD);
	return 0;
}
