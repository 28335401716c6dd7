/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking runsc takes as long as starting something small in it, and its SHA-512 longer. So
 * both are kept, in a file for each path of a runsc:
 *
 *   sbx VERSION
 *   boot UUID              of /proc/sys/kernel/random/boot_id
 *   file STAMP             of runsc
 *   release FLAGS PLATFORMS RELEASE
 *   kvm STATE SECONDS
 *   sum HEX STAMP          of each file whose digest is known
 *
 * It is believed whole or not at all.
 */
#include "launcher/gvisor_known.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "image/cache.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECORD_MAX = 64 << 10, FRESH_SECONDS = 2 };

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

void gvisor_stamp(const struct stat *status, char ret_stamp[GVISOR_STAMP_SIZE])
{
	snprintf(ret_stamp, GVISOR_STAMP_SIZE, "%ju.%ju.%jd.%jd.%09ld.%jd.%09ld.%o.%u",
		 (uintmax_t)status->st_dev, (uintmax_t)status->st_ino,
		 (intmax_t)status->st_size, (intmax_t)status->st_mtim.tv_sec,
		 status->st_mtim.tv_nsec, (intmax_t)status->st_ctim.tv_sec,
		 status->st_ctim.tv_nsec, status->st_mode, status->st_uid);
}

/* Changed so late that a change after it could have left the same times; or in the future. */
static bool is_fresh(const struct stat *status)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return status->st_ctim.tv_sec + FRESH_SECONDS >= now.tv_sec;
}

/* It tells paths apart, and guards nothing: the record is compared (FNV-1a). */
static const char *name_of(const char *path, struct arena *arena)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	return arena_printf(arena, "%" PRIx64, hash);
}

/* ---- reading --------------------------------------------------------------------------- */

/* Takes a number and the blank behind it, if there is one. */
static bool take_number(const char **at, uint64_t *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*ret_number = strtoull(*at, &end, 10);
	*at = end + (*end == ' ');
	return errno == 0;
}

static bool read_release(const char *value, struct gvisor_known *known)
{
	uint64_t flags, platforms;

	known->probed = take_number(&value, &flags) && take_number(&value, &platforms) &&
			text_copy(known->release, sizeof(known->release), value) == 0;
	if (known->probed) {
		known->flags = (unsigned int)flags;
		known->platforms = (unsigned int)platforms;
	}
	return known->probed;
}

static bool read_kvm(const char *value, struct gvisor_known *known)
{
	uint64_t state;

	if (!take_number(&value, &state) || state > KVM_FAILS ||
	    !take_number(&value, &known->kvm_tried))
		return false;
	known->kvm = (enum gvisor_kvm)state;
	return true;
}

static bool read_sum(const char *value, struct gvisor_known *known)
{
	struct gvisor_known_sum *sum = &known->sums[known->sum_count];

	if (known->sum_count == GVISOR_FILES_MAX || strlen(value) < GVISOR_SHA512_DIGITS)
		return false;
	snprintf(sum->sha512, sizeof(sum->sha512), "%.128s", value);
	value += GVISOR_SHA512_DIGITS;
	if (*value != ' ' || text_copy(sum->stamp, sizeof(sum->stamp), value + 1) < 0)
		return false;
	known->sum_count++;
	return true;
}

static bool read_line(const char *line, struct gvisor_known *known)
{
	static const struct {
		const char *key;
		bool (*read)(const char *value, struct gvisor_known *known);
	} keys[] = {
		{ "release ", read_release },
		{ "kvm ", read_kvm },
		{ "sum ", read_sum },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (text_starts_with(line, keys[i].key))
			return keys[i].read(line + strlen(keys[i].key), known);
	}
	return false;
}

/* What it has to begin with, for this sbx, this boot and this file. */
static const char *head_of(const struct gvisor_known *known, struct arena *arena)
{
	return arena_printf(arena, "sbx %s\nboot %s\nfile %s\n", SBX_VERSION, known->boot,
			    known->stamp);
}

static bool read_record(char *text, struct gvisor_known *known, struct arena *arena)
{
	const char *head = head_of(known, arena);
	char *rest = text + strlen(head);

	if (!text_starts_with(text, head))
		return false;
	while (rest && *rest) {
		const char *line = strsep(&rest, "\n");

		if (!read_line(line, known))
			return false;
	}
	return true;
}

static bool read_boot(char ret_boot[40])
{
	const ssize_t length = files_read(AT_FDCWD, BOOT_ID, ret_boot, 39);

	ret_boot[strcspn(ret_boot, "\n")] = '\0';
	return length > 0;
}

static struct gvisor_known *know_nothing(const char *path, struct arena *arena)
{
	struct gvisor_known *known = arena_alloc(arena, sizeof(*known));
	struct stat status;

	if (stat(path, &status) < 0 || !read_boot(known->boot)) {
		known->is_fresh = true;
		return known;
	}
	gvisor_stamp(&status, known->stamp);
	known->is_fresh = is_fresh(&status);
	return known;
}

struct gvisor_known *gvisor_recall(const char *path, struct arena *arena)
{
	struct gvisor_known *known = know_nothing(path, arena);
	struct error ignored;
	auto_close int folder =
		known->is_fresh ? -1 : cache_open_folder("runsc", false, arena, &ignored);
	char *text;

	if (folder < 0)
		return known;
	text = arena_alloc(arena, RECORD_MAX + 1);
	if (files_read(folder, name_of(path, arena), text, RECORD_MAX) <= 0 ||
	    !read_record(text, known, arena))
		return know_nothing(path, arena);
	return known;
}

/* ---- writing --------------------------------------------------------------------------- */

void gvisor_remember(const char *path, const struct gvisor_known *known,
		     struct arena *arena)
{
	const char *text = head_of(known, arena);
	struct error ignored;
	auto_close int folder =
		known->is_fresh ? -1 : cache_open_folder("runsc", true, arena, &ignored);

	if (folder < 0)
		return;
	if (known->probed)
		text = arena_printf(arena, "%srelease %u %u %s\n", text, known->flags,
				    known->platforms, known->release);
	if (known->kvm != KVM_UNTRIED)
		text = arena_printf(arena, "%skvm %u %" PRIu64 "\n", text,
				    (unsigned int)known->kvm, known->kvm_tried);
	for (size_t i = 0; i < known->sum_count; i++)
		text = arena_printf(arena, "%ssum %s %s\n", text, known->sums[i].sha512,
				    known->sums[i].stamp);
	(void)files_replace(folder, name_of(path, arena), text, strlen(text), 0600);
}

/* ---- digests --------------------------------------------------------------------------- */

const char *gvisor_known_sum(struct gvisor_known *known, const struct stat *status)
{
	char stamp[GVISOR_STAMP_SIZE];

	gvisor_stamp(status, stamp);
	for (size_t i = 0; i < known->sum_count; i++) {
		if (strcmp(known->sums[i].stamp, stamp) != 0)
			continue;
		known->sums[i].used = true;
		return known->sums[i].sha512;
	}
	return NULL;
}

void gvisor_know_sum(struct gvisor_known *known, const struct stat *status,
		     const char *sha512)
{
	struct gvisor_known_sum *sum = &known->sums[known->sum_count];

	if (is_fresh(status) || known->sum_count == GVISOR_FILES_MAX)
		return;
	sum->used = true;
	gvisor_stamp(status, sum->stamp);
	text_copy(sum->sha512, sizeof(sum->sha512), sha512);
	known->sum_count++;
}

void gvisor_forget_unused(struct gvisor_known *known)
{
	size_t count = 0;

	for (size_t i = 0; i < known->sum_count; i++) {
		if (known->sums[i].used)
			known->sums[count++] = known->sums[i];
	}
	known->sum_count = count;
}
