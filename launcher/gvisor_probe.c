/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runsc can do is what it says itself: releases have other flags and platforms, and
 * distributions build it as they like. It says it on standard output or on standard error,
 * as the release has it.
 */
#include "launcher/gvisor.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "launcher/gvisor_ask.h"
#include "launcher/gvisor_known.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { PROBE_MS = 5000, DATE_DIGITS = 8 };

/* ---- its words --------------------------------------------------------------------------- */

/* "runsc version release-20240807.0" */
bool gvisor_read_release(const char *text, char ret_release[64])
{
	static const char begin[] = "runsc version ";
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._+~:-";
	size_t length;

	if (!text_starts_with(text, begin))
		return false;
	text += strlen(begin);
	length = strspn(text, letters);
	if (length == 0 || length > 63 || !strchr("\r\n", text[length]))
		return false;
	memcpy(ret_release, text, length);
	ret_release[length] = '\0';
	return true;
}

/* Upstream's are called release-YYYYMMDD.N, Debian's 0.0~YYYYMMDD.N. */
unsigned int gvisor_date_of(const char *release)
{
	const char *at = release;

	while (*at) {
		const size_t digits = strspn(at, "0123456789");

		if (digits == DATE_DIGITS && text_starts_with(at, "20"))
			return (unsigned int)strtoul(at, NULL, 10);
		at += digits > 0 ? digits : 1;
	}
	return 0;
}

static bool takes_line(const char **at, const char **ret_line, size_t *ret_length)
{
	if (!**at)
		return false;
	*ret_line = *at;
	*ret_length = strcspn(*at, "\n");
	*at += *ret_length + ((*at)[*ret_length] == '\n');
	return true;
}

static bool is_word(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(text, word, length) == 0;
}

static unsigned int flag_of(const char *name, size_t length)
{
	static const char *const names[] = {
		"directfs",
		"overlay2",
		"host-settings",
		"host-uds",
		"host-fifo",
		"file-access",
		"oci-seccomp",
		"net-raw",
		"panic-log",
		"sidecar-release-enforcement-policy",
		"sidecar-usage-policy",
		"rootless",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (is_word(name, length, names[i]))
			return 1U << i;
	}
	return 0;
}

/* As the package flag of Go lists them: "  -name" and perhaps a type; then the text. */
unsigned int gvisor_read_flags(const char *text, bool *ret_is_list)
{
	unsigned int flags = 0;
	const char *line;
	size_t length;

	*ret_is_list = false;
	while (takes_line(&text, &line, &length)) {
		const char *name = line + 3;
		size_t size;

		if (length <= 3 || memcmp(line, "  -", 3) != 0)
			continue;
		size = strcspn(name, " \t\r\n");
		*ret_is_list |= is_word(name, size, "platform");
		flags |= flag_of(name, size);
	}
	return flags;
}

unsigned int gvisor_read_platforms(const char *text)
{
	unsigned int platforms = 0;
	const char *line;
	size_t length;

	while (takes_line(&text, &line, &length)) {
		for (enum gvisor_platform i = 0; i < PLATFORM_COUNT; i++) {
			if (is_word(line, length, gvisor_platform_name(i)))
				platforms |= 1U << i;
		}
	}
	return platforms;
}

/* ---- the questions ----------------------------------------------------------------------- */

enum question { ASKS_VERSION, ASKS_FLAGS, ASKS_PLATFORMS, QUESTION_COUNT };

static const char *const questions[QUESTION_COUNT][4] = {
	[ASKS_VERSION] = { "runsc", "--version", NULL },
	[ASKS_FLAGS] = { "runsc", "flags", NULL },
	[ASKS_PLATFORMS] = { "runsc", "help", "platforms", NULL },
};

static int refuse(const struct gvisor_binary *binary, enum error_id id, const char *what,
		  struct error *err)
{
	error_set(err, id, "use %s as runsc: it %s", binary->path, what);
	return error_hint(err, "is that gVisor's runsc? Try: %s --version", binary->path);
}

static int take_version(const char *text, struct gvisor_binary *binary, struct error *err)
{
	if (!gvisor_read_release(text, binary->release))
		return refuse(binary, ERROR_RUNSC_RELEASE, "does not tell its release",
			      err);
	return 0;
}

static int take_flags(const char *text, struct gvisor_binary *binary, struct error *err)
{
	bool is_list;

	binary->flags = gvisor_read_flags(text, &is_list);
	return is_list ? 0
		       : refuse(binary, ERROR_RUNSC_NOT_EXECUTABLE,
				"does not list its flags", err);
}

static int take_platforms(const char *text, struct gvisor_binary *binary,
			  struct error *err)
{
	binary->platforms = gvisor_read_platforms(text);
	return binary->platforms ? 0
				 : refuse(binary, ERROR_RUNSC_NOT_EXECUTABLE,
					  "does not list its platforms", err);
}

static int (*const takers[QUESTION_COUNT])(const char *text, struct gvisor_binary *binary,
					   struct error *err) = {
	[ASKS_VERSION] = take_version,
	[ASKS_FLAGS] = take_flags,
	[ASKS_PLATFORMS] = take_platforms,
};

/* Its own words where it failed: the first line of them. */
static int judge_end(const struct gvisor_binary *binary, struct gvisor_answer *answer,
		     struct error *err)
{
	if (!answer->in_time)
		return refuse(binary, ERROR_RUNSC_NOT_EXECUTABLE,
			      "does not answer within 5 seconds", err);
	if (WIFEXITED(answer->status) && WEXITSTATUS(answer->status) == 0)
		return 0;
	answer->text[strcspn(answer->text, "\n")] = '\0';
	error_set(err, ERROR_RUNSC_NOT_EXECUTABLE, "use %s as runsc: it fails: %.80s",
		  binary->path, answer->text);
	return error_hint(err, "is that gVisor's runsc? Try: %s --version", binary->path);
}

static int hear(struct gvisor_question *question, uint64_t until_ms,
		const struct gvisor_binary *binary, struct gvisor_answer *answer,
		struct error *err)
{
	if (gvisor_hear(question, until_ms, answer) < 0)
		return error_errno(err, "start %s", binary->path);
	return judge_end(binary, answer, err);
}

/* All are asked at once; each is heard, whatever the others said. */
static int ask_all(struct gvisor_binary *binary, struct gvisor_answer *answer,
		   struct error *err)
{
	const uint64_t until = gvisor_now_ms() + PROBE_MS;
	struct gvisor_question asked[QUESTION_COUNT];
	int result = 0;

	for (int i = 0; i < QUESTION_COUNT; i++)
		asked[i] = gvisor_ask(binary->path, questions[i], false);
	for (int i = 0; i < QUESTION_COUNT; i++) {
		struct error other;
		struct error *why = result == 0 ? err : &other;

		if (hear(&asked[i], until, binary, answer, why) < 0 ||
		    takers[i](answer->text, binary, why) < 0)
			result = -1;
	}
	return result;
}

static int ask(struct gvisor_binary *binary, struct arena *arena, struct error *err)
{
	struct gvisor_known *known = gvisor_recall(binary->path, arena);

	if (!known->probed) {
		if (ask_all(binary, arena_alloc(arena, sizeof(struct gvisor_answer)),
			    err) < 0)
			return -1;
		known->probed = true;
		known->flags = binary->flags;
		known->platforms = binary->platforms;
		text_copy(known->release, sizeof(known->release), binary->release);
		gvisor_remember(binary->path, known, arena);
	}
	binary->flags = known->flags;
	binary->platforms = known->platforms;
	text_copy(binary->release, sizeof(binary->release), known->release);
	binary->date = gvisor_date_of(binary->release);
	return 0;
}

int gvisor_probe(struct gvisor_binary *binary, struct error *err)
{
	struct arena arena = { 0 };
	const int result = ask(binary, &arena, err);

	arena_free(&arena);
	if (result < 0 || gvisor_is_release(binary->release, binary->pinned_release))
		return result;
	error_set(err, ERROR_RUNSC_RELEASE, "use %s as runsc: it is release %s, not %s",
		  binary->path, binary->release, binary->pinned_release);
	return error_hint(err, "the pin has both its digest and another release: one of "
			       "them is wrong");
}
