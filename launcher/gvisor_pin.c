/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pin says which runsc it has to be:
 *
 *   # words about it
 *   release 20250407.0
 *   arch amd64
 *   HEX  runsc
 *   HEX  gvisor-bin/NAME
 *
 * The sums are SHA-512, as sha512sum(1) writes them, and `release` and `arch` are for those
 * behind them: a pin may have several such stanzas, for machines and for releases of which
 * each will do. Only digests count, and not where a file lay when they were made: but what
 * lies in gvisor-bin/ beside runsc is told by its name, because each has its own work there.
 * Neither may one be missing there, nor may there be another.
 */
#include "launcher/gvisor_known.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "image/image.h"
#include "launcher/verify.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PIN_MAX = 256 << 10, DEPTH_MAX = 4 };

#define COMPANIONS "gvisor-bin/"

/* ---- its text ---------------------------------------------------------------------------- */

struct stanza {
	struct gvisor_pin pin;
	bool has_arch, is_ours;
	struct gvisor_pin_sum *sums;
};

struct reading {
	const char *name, *machine;
	int line;
	struct arena *arena;
	struct stanza *stanzas;
	size_t count;
};

static int refuse_line(const struct reading *reading, const char *why, struct error *err)
{
	error_set(err, ERROR_RUNSC_PIN, "use %s:%d: %s", reading->name, reading->line,
		  why);
	return error_hint(err, "lines are `release X`, `arch amd64`, and those of "
			       "sha512sum");
}

/* Words behind sums begin another. */
static struct stanza *stanza_for(struct reading *reading, bool words)
{
	struct stanza *last =
		reading->count > 0 ? &reading->stanzas[reading->count - 1] : NULL;

	if (last && !(words && last->pin.count > 0))
		return last;
	reading->stanzas = arena_grow(reading->arena, reading->stanzas, reading->count,
				      sizeof(*reading->stanzas));
	last = &reading->stanzas[reading->count++];
	*last = (struct stanza){ .is_ours = true };
	return last;
}

static int read_release(struct reading *reading, const char *value, struct error *err)
{
	struct stanza *stanza = stanza_for(reading, true);

	if (stanza->pin.release[0])
		return refuse_line(reading, "a second release before any sum", err);
	if (!*value ||
	    text_copy(stanza->pin.release, sizeof(stanza->pin.release), value) < 0)
		return refuse_line(reading, "no release", err);
	return 0;
}

static int read_arch(struct reading *reading, const char *value, struct error *err)
{
	struct stanza *stanza = stanza_for(reading, true);
	const char *machine = image_machine_of_arch(value);

	if (!machine) {
		error_set(err, ERROR_RUNSC_PIN, "use %s:%d: Unsupported architecture: %s",
			  reading->name, reading->line, value);
		return error_hint(err, "amd64 or arm64, as runsc is built for");
	}
	if (stanza->has_arch)
		return refuse_line(reading, "a second arch before any sum", err);
	stanza->has_arch = true;
	stanza->is_ours = strcmp(machine, reading->machine) == 0;
	return 0;
}

/* From gvisor-bin/ on; what has another name is runsc itself, whatever it was called. */
static const char *name_in(const char *path)
{
	const char *found = strstr(path, COMPANIONS);

	for (; found; found = strstr(found + 1, COMPANIONS)) {
		if (found == path || found[-1] == '/')
			return found;
	}
	return "";
}

static int read_sum(struct reading *reading, const char *line, struct error *err)
{
	struct stanza *stanza;
	struct gvisor_pin_sum *sum;
	const char *name = line + GVISOR_SHA512_DIGITS;

	if (strspn(line, "0123456789abcdefABCDEF") != GVISOR_SHA512_DIGITS ||
	    (*name && !text_starts_with(name, "  ") && !text_starts_with(name, " *")))
		return refuse_line(reading, "no SHA-512 and name", err);
	stanza = stanza_for(reading, false);
	stanza->sums = arena_grow(reading->arena, stanza->sums, stanza->pin.count,
				  sizeof(*stanza->sums));
	sum = &stanza->sums[stanza->pin.count++];
	for (size_t i = 0; i < GVISOR_SHA512_DIGITS; i++)
		sum->sha512[i] = (char)tolower((unsigned char)line[i]);
	sum->sha512[GVISOR_SHA512_DIGITS] = '\0';
	sum->name = *name ? name_in(name + 2) : "";
	stanza->pin.sums = stanza->sums;
	return 0;
}

static int read_line(struct reading *reading, const char *line, struct error *err)
{
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	if (text_starts_with(line, "release "))
		return read_release(reading, line + strlen("release "), err);
	if (text_starts_with(line, "arch "))
		return read_arch(reading, line + strlen("arch "), err);
	return read_sum(reading, line, err);
}

static bool names_runsc(const struct gvisor_pin *pin)
{
	for (size_t i = 0; i < pin->count; i++) {
		if (!pin->sums[i].name[0])
			return true;
	}
	return false;
}

/* Those for this machine. A stanza that names no runsc would let any be one. */
static int take_ours(const struct reading *reading, struct gvisor_pin **ret_pins,
		     size_t *ret_count, struct error *err)
{
	struct gvisor_pin *pins =
		arena_alloc_array(reading->arena, reading->count + 1, sizeof(*pins));
	size_t count = 0;

	for (size_t i = 0; i < reading->count; i++) {
		if (reading->stanzas[i].is_ours && names_runsc(&reading->stanzas[i].pin))
			pins[count++] = reading->stanzas[i].pin;
	}
	if (count == 0) {
		error_set(err, ERROR_RUNSC_PIN, "use %s: it has no runsc for %s",
			  reading->name, reading->machine);
		return error_hint(err,
				  "`arch %s`, and behind it what sha512sum says of "
				  "runsc",
				  image_arch_of_machine(reading->machine));
	}
	*ret_pins = pins;
	*ret_count = count;
	return 0;
}

int gvisor_pin_parse(const char *text, const char *name, const char *machine,
		     struct arena *arena, struct gvisor_pin **ret_pins, size_t *ret_count,
		     struct error *err)
{
	struct reading reading = { .name = name, .machine = machine, .arena = arena };

	while (*text) {
		const size_t length = strcspn(text, "\n");
		char *line = arena_strndup(arena, text, length);
		size_t end = length;

		while (end > 0 && strchr(" \t\r", line[end - 1]))
			line[--end] = '\0';
		reading.line++;
		if (read_line(&reading, line, err) < 0)
			return -1;
		text += length + (text[length] == '\n');
	}
	return take_ours(&reading, ret_pins, ret_count, err);
}

bool gvisor_is_release(const char *release, const char *wanted)
{
	static const char word[] = "release-";

	release += text_starts_with(release, word) ? strlen(word) : 0;
	wanted += text_starts_with(wanted, word) ? strlen(word) : 0;
	return !*wanted || strcmp(wanted, "latest") == 0 || strcmp(release, wanted) == 0;
}

/* ---- the files --------------------------------------------------------------------------- */

struct looking {
	const char *file; /* the pin's */
	const char *path; /* runsc's */
	const struct gvisor_pin *pin;
	struct arena *arena;
	struct gvisor_known *known;
	bool has_news;
	size_t met; /* files in gvisor-bin/ */
};

static int refuse_file(const struct looking *looking, const char *name, const char *why,
		       struct error *err)
{
	error_set(err, ERROR_RUNSC_CHECKSUM, "use %s as runsc: %s %s", looking->path,
		  name, why);
	return error_hint(err,
			  "something was changed, or it is another release: then put "
			  "what sha512sum says of it into %s",
			  looking->file);
}

/* Through the descriptor: what is hashed is what was opened. NULL: error. */
static const char *digest_of(struct looking *looking, int fd, const char *name,
			     struct error *err)
{
	const char *sha512;
	struct stat status;

	if (fstat(fd, &status) < 0) {
		error_errno_id(err, ERROR_RUNSC_CHECKSUM, "look at %s", name);
		return NULL;
	}
	sha512 = gvisor_known_sum(looking->known, &status);
	if (sha512)
		return sha512;
	if (images_sha512(fd, name, looking->arena, &sha512, err) < 0) {
		err->id = ERROR_RUNSC_CHECKSUM;
		error_within(err, "compare with %s", looking->file);
		error_hint(err,
			   "sbx-image has the SHA-512 for it: sbx doctor says whether "
			   "it is there");
		return NULL;
	}
	gvisor_know_sum(looking->known, &status, sha512);
	looking->has_news = true;
	return sha512;
}

static const struct gvisor_pin_sum *find_sum(const struct gvisor_pin *pin,
					     const char *name, const char *sha512)
{
	for (size_t i = 0; i < pin->count; i++) {
		if (strcmp(pin->sums[i].name, name) == 0 &&
		    (!sha512 || strcmp(pin->sums[i].sha512, sha512) == 0))
			return &pin->sums[i];
	}
	return NULL;
}

/* Any stanza that has runsc itself is the one. NULL: error. */
static const struct gvisor_pin *find_pin(struct looking *looking, int fd,
					 const struct gvisor_pin *pins, size_t count,
					 struct error *err)
{
	const char *sha512 = digest_of(looking, fd, looking->path, err);

	if (!sha512)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (find_sum(&pins[i], "", sha512))
			return &pins[i];
	}
	refuse_file(looking, arena_printf(looking->arena, "its SHA-512, %.16s…,", sha512),
		    "is not what the pin says", err);
	return NULL;
}

static int check_folder(struct looking *looking, int parent, const char *entry,
			const char *name, struct error *err);

static int check_companion(struct looking *looking, int fd, const char *name,
			   struct error *err)
{
	const char *sha512;

	if (!find_sum(looking->pin, name, NULL))
		return refuse_file(looking, name, "is not in the pin", err);
	sha512 = digest_of(looking, fd, name, err);
	if (!sha512)
		return -1;
	if (!find_sum(looking->pin, name, sha512))
		return refuse_file(looking, name, "is not what the pin says", err);
	return 0;
}

/* What is no file and no folder is nothing that a release has. */
static int check_entry(struct looking *looking, int parent, const char *entry,
		       const char *name, struct error *err)
{
	auto_close int fd =
		openat(parent, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse_file(looking, name, "cannot be read, or is a link", err);
	if (gvisor_others_may_write(&status, false))
		return refuse_file(looking, name, "can be changed by others", err);
	if (S_ISDIR(status.st_mode))
		return check_folder(looking, parent, entry, name, err);
	if (++looking->met > GVISOR_FILES_MAX)
		return refuse_file(looking, name, "is one file too many", err);
	return check_companion(looking, fd, name, err);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static size_t depth_of(const char *name)
{
	size_t depth = 0;

	for (; *name; name++)
		depth += *name == '/';
	return depth;
}

static int check_entries(struct looking *looking, DIR *names, const char *folder,
			 struct error *err)
{
	for (;;) {
		const struct dirent *entry = readdir(names);
		const char *name;

		if (!entry)
			return 0;
		if (is_dots(entry->d_name))
			continue;
		name = arena_printf(looking->arena, "%s/%s", folder, entry->d_name);
		if (check_entry(looking, dirfd(names), entry->d_name, name, err) < 0)
			return -1;
	}
}

static int check_folder(struct looking *looking, int parent, const char *entry,
			const char *name, struct error *err)
{
	int fd = openat(parent, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *names = fd < 0 ? NULL : fdopendir(fd);
	int result;

	if (!names || depth_of(name) > DEPTH_MAX) {
		if (names)
			closedir(names);
		else
			fd_close(&fd);
		return refuse_file(looking, name, "is no folder that can be read", err);
	}
	result = check_entries(looking, names, name, err);
	closedir(names);
	return result;
}

static int find_missing(const struct looking *looking, const struct gvisor_pin *pin,
			struct error *err)
{
	const char *slash = strrchr(looking->path, '/');

	for (size_t i = 0; i < pin->count; i++) {
		const char *path = arena_printf(looking->arena, "%.*s/%s",
						(int)(slash - looking->path),
						looking->path, pin->sums[i].name);

		if (pin->sums[i].name[0] && access(path, F_OK) < 0)
			return refuse_file(looking, pin->sums[i].name,
					   "is missing, and the pin has it", err);
	}
	return 0;
}

static int check_companions(struct looking *looking, const struct gvisor_binary *binary,
			    struct error *err)
{
	char folder[PATH_MAX];
	auto_close int parent = -1;

	if (find_missing(looking, looking->pin, err) < 0)
		return -1;
	if (!binary->companions)
		return 0;
	text_copy(folder, sizeof(folder), binary->path);
	*strrchr(folder, '/') = '\0';
	parent = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return error_errno_id(err, ERROR_RUNSC_CHECKSUM, "open %s", folder);
	return check_entry(looking, parent, "gvisor-bin", "gvisor-bin", err);
}

/* ---- all of it --------------------------------------------------------------------------- */

static const char *read_pin(const char *path, struct arena *arena, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char real[PATH_MAX];
	const char *text = NULL;
	size_t length;

	if (fd >= 0 && realpath(path, real))
		text = files_read_all(arena, fd, PIN_MAX, &length);
	if (!text) {
		error_errno_id(err, ERROR_RUNSC_PIN, "read %s", path);
		error_hint(err, "--runsc-pin FILE names it, as the configuration may");
		return NULL;
	}
	return gvisor_check_owners(real, ERROR_RUNSC_PIN, "", err) < 0 ? NULL : text;
}

static int check_files(struct looking *looking, int fd, const char *text,
		       struct gvisor_binary *binary, struct error *err)
{
	struct gvisor_pin *pins = NULL;
	struct utsname name;
	size_t count = 0;

	if (uname(&name) < 0)
		return error_errno(err, "tell which machine this is");
	if (gvisor_pin_parse(text, looking->file, name.machine, looking->arena, &pins,
			     &count, err) < 0)
		return -1;
	looking->pin = find_pin(looking, fd, pins, count, err);
	if (!looking->pin || check_companions(looking, binary, err) < 0)
		return -1;
	text_copy(binary->pinned_release, sizeof(binary->pinned_release),
		  looking->pin->release);
	binary->pinned = true;
	return 0;
}

int gvisor_pin_check(const char *path, int fd, struct gvisor_binary *binary,
		     struct error *err)
{
	struct arena arena = { 0 };
	struct looking looking = { .file = path, .path = binary->path, .arena = &arena };
	const char *text = read_pin(path, &arena, err);
	int result = -1;

	if (text) {
		looking.known = gvisor_recall(binary->path, &arena);
		result = check_files(&looking, fd, text, binary, err);
	}
	if (looking.has_news) {
		gvisor_forget_unused(looking.known);
		gvisor_remember(binary->path, looking.known, &arena);
	}
	arena_free(&arena);
	return result;
}
