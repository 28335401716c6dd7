/* SPDX-License-Identifier: Apache-2.0 */
/* --record, --expect and --repeat: their operands, and what they cannot work with. */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { RECORD_MAX = 16 << 20 };

#define PREFIX "sha256:"

/* ---- operands -------------------------------------------------------------------------- */

static bool is_hex(const char *text)
{
	return strlen(text) == SHA256_HEX &&
	       strspn(text, "0123456789abcdefABCDEF") == SHA256_HEX;
}

/* "sha256:HEX" or HEX, as records write it; NULL: it is neither. */
static const char *digest_of_text(const char *text, struct arena *arena)
{
	char *digest;

	if (text_starts_with(text, PREFIX))
		text += strlen(PREFIX);
	if (!is_hex(text))
		return NULL;
	digest = arena_printf(arena, PREFIX "%s", text);
	for (char *at = digest + strlen(PREFIX); *at; at++) {
		if (*at >= 'A' && *at <= 'F')
			*at = (char)(*at - 'A' + 'a');
	}
	return digest;
}

static const char *digest_of_record(const char *path, struct arena *arena,
				    struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *text = NULL, *digest;
	const struct json_value *record;
	size_t length;
	char *bytes;

	if (fd < 0) {
		path_explain("read", path, errno, ERROR_SOURCE_MISSING, err);
		error_hint(err, "a digest is 64 digits of 0-9 and a-f, with or without "
				"sha256: before them");
		return NULL;
	}
	bytes = files_read_all(arena, fd, RECORD_MAX, &length);
	if (!bytes) {
		error_errno_id(err, ERROR_CONFIG, "read %s", path);
		return NULL;
	}
	record = json_read(bytes, length, path, arena, err);
	if (!record || json_get_text(record, "output_digest", &text, err) < 0)
		return NULL;
	digest = text ? digest_of_text(text, arena) : NULL;
	if (!digest)
		error_set(err, ERROR_CONFIG, "use %s: it is no record of --record", path);
	return digest;
}

int set_expect(struct draft *draft, const struct given *given, struct error *err)
{
	struct arena *arena = &draft->plan.arena;
	const char *path, *digest = digest_of_text(given->operand, arena);

	if (!digest) {
		path = path_of_caller(draft, given->base, given->operand, err);
		digest = path ? digest_of_record(path, arena, err) : NULL;
	}
	if (!digest)
		return -1;
	draft->plan.life.expect = digest;
	return 0;
}

int set_repeat(struct draft *draft, const struct given *given, struct error *err)
{
	if (text_to_int(given->operand, 2, REPEAT_MAX, &draft->plan.life.repeat) < 0)
		return error_set(err, ERROR_USAGE, "'%.80s' is not a number from 2 to %d",
				 given->operand, REPEAT_MAX);
	return 0;
}

/* ---- what does not go together --------------------------------------------------------- */

static int refuse(const char *option, const char *other, const char *why,
		  struct error *err)
{
	return error_set(err, ERROR_USAGE, "use %s with %s: %s", option, other, why);
}

static bool joins_users(const struct plan *plan)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (plan->namespaces.kinds[kind].mode == NS_JOINED)
			return true;
	}
	return false;
}

/* Each run has to start from the same. */
static int check_repeat(const struct draft *draft, struct error *err)
{
	const struct plan *plan = &draft->plan;

	if (draft->upper || plan->rootfs.upper)
		return refuse("--repeat", "--upper",
			      "the second run would start from what the first wrote",
			      err);
	if (draft->root_mode == ROOT_MODE_RW ||
	    (plan->rootfs.mode == ROOT_RW && plan->rootfs.kind != ROOT_HOST))
		return refuse("--repeat", "--root-mode rw",
			      "the second run would start from what the first wrote",
			      err);
	if (draft->preserve_fds || draft->keep_fd_count || plan->process.keep_fd_count)
		return refuse("--repeat", "--keep-fd or --preserve-fds",
			      "what the first run has read is gone", err);
	if (plan->life.ready_fd >= 0)
		return refuse("--repeat", "--ready-fd", "a run is ready once", err);
	if (draft->tty == TTY_ON)
		return refuse("--repeat", "--tty", "nobody can type the same again", err);
	return 0;
}

int expand_record(struct draft *draft, struct error *err)
{
	const struct life_spec *life = &draft->plan.life;
	const char *option = life->record   ? "--record"
			     : life->expect ? "--expect"
			     : life->repeat ? "--repeat"
					    : NULL;

	if (!option)
		return 0;
	if (life->detach)
		return refuse(option, "--detach",
			      "what is written is only known at the end", err);
	if (draft->isolation == ISOLATION_LANDLOCK)
		return refuse(option, "--isolation landlock",
			      "nothing is copy-on-write there", err);
	if (joins_users(&draft->plan))
		return refuse(option, "--join",
			      "the ids of files could not be read afterwards", err);
	if (!life->repeat)
		return 0;
	if (check_repeat(draft, err) < 0)
		return -1;
	draft->tty = TTY_OFF;
	return 0;
}
