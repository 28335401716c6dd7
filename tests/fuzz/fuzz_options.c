/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Words and a profile from anybody: lines up to an empty one are words of `sbx run`, the
 * rest is the text of a profile. They are refused in one line, or make a plan that passes
 * the checker again and that config.json can hold.
 */
#include "base/error.h"
#include "base/fd.h"
#include "plan/internal.h"
#include "tests/unit/plan_equal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	WORDS_MAX = 64,
	TEXT_MAX = 64 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

static void check_error(const struct error *err)
{
	if (!err->text[0] || strlen(err->text) >= sizeof(err->text))
		fail("an error without a text", "");
	if (error_status(err) < 125 || error_status(err) > 127)
		fail("a status that is not ours", err->text);
}

static void check_mounts(const struct plan *plan)
{
	for (size_t i = 0; i < plan->rootfs.mount_count; i++) {
		const struct mount_entry *entry = &plan->rootfs.mounts[i];

		if (entry->dest[0] != '/')
			fail("a destination that is not absolute", entry->dest);
		if (entry->kind == MOUNT_BIND && entry->source[0] != '/')
			fail("a source that is not absolute", entry->source);
	}
}

static void check_plan(const struct plan *plan)
{
	struct arena arena = { 0 };
	struct plan again = { 0 };
	const char *text = plan_to_oci(plan, false, &arena);
	const char *field;
	struct error err;

	check_mounts(plan);
	if (plan_check(plan, &err) < 0)
		fail("checked twice", err.text);
	if (!plan_describe(plan, &arena)[0])
		fail("no words", "");
	if (plan_from_oci(text, strlen(text), "config.json", &again, &err) < 0)
		fail("does not come back", err.text);
	field = plan_difference(plan, &again);
	if (field)
		fail("comes back otherwise", field);
	plan_free(&again);
	arena_free(&arena);
}

/* A profile that is named by its descriptor; -1 where there is none. */
static int make_profile(const char *text, size_t length)
{
	int fd = memfd_create("profile", MFD_CLOEXEC);

	if (fd >= 0 && fd_write_all(fd, text, length) < 0)
		fd_close(&fd);
	return fd;
}

/* Splits lines into words; returns what follows the empty line. */
static char *take_words(char *text, const char **words, size_t *count)
{
	while (*text && *text != '\n' && *count < WORDS_MAX - 1) {
		char *end = strchr(text, '\n');

		words[(*count)++] = text;
		if (!end)
			return text + strlen(text);
		*end = '\0';
		text = end + 1;
	}
	return *text == '\n' ? text + 1 : text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *words[WORDS_MAX + 4] = { "--no-config", "--profile" };
	struct plan plan = { 0 };
	char text[TEXT_MAX];
	auto_close int fd = -1;
	struct error err;
	char path[64];
	size_t count = 3;
	char *profile;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	profile = take_words(text, words, &count);
	words[count] = NULL;
	fd = make_profile(profile, size - (size_t)(profile - text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	words[2] = path;
	memset(&err, 0, sizeof(err));
	if (plan_from_args(words, NULL, true, &plan, &err) < 0)
		check_error(&err);
	else if (!plan.life.help)
		check_plan(&plan);
	plan_free(&plan);
	return 0;
}
