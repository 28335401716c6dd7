/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/accounts_ask.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

/* The largest id: (uid_t)-1 means "no id" to the kernel. */
#define ID_LAST (UINT32_MAX - 1)

/* ---- fields of a line --------------------------------------------------------------- */

/* A part of a line, not ended by NUL. */
struct field {
	const char *text;
	size_t length;
};

/* Takes the next field off *rest. False when there is none. */
static bool take_field(struct field *rest, char separator, struct field *ret_field)
{
	const char *end;

	if (!rest->text)
		return false;
	end = memchr(rest->text, separator, rest->length);
	ret_field->text = rest->text;
	if (!end) {
		ret_field->length = rest->length;
		rest->text = NULL;
		return true;
	}
	ret_field->length = (size_t)(end - rest->text);
	rest->text = end + 1;
	rest->length -= ret_field->length + 1;
	return true;
}

static bool is_field(const struct field *field, const char *text)
{
	return strlen(text) == field->length &&
	       memcmp(field->text, text, field->length) == 0;
}

static int copy_field(char *to, size_t size, const struct field *field)
{
	if (field->length >= size)
		return -1;
	memcpy(to, field->text, field->length);
	to[field->length] = '\0';
	return 0;
}

/* base as for text_to_u64(). */
static int read_number(const struct field *field, int base, uint64_t *ret_value)
{
	char digits[24];

	if (copy_field(digits, sizeof(digits), field) < 0)
		return -1;
	return text_to_u64(digits, base, ret_value);
}

static int read_id(const struct field *field, uint32_t *ret_id)
{
	uint64_t value;

	if (read_number(field, 10, &value) < 0 || value > ID_LAST)
		return -1;
	*ret_id = (uint32_t)value;
	return 0;
}

/* Blank lines, comments, and the + and - lines of nsswitch's "compat". */
static bool is_no_entry(const char *line, size_t length)
{
	return length == 0 || strchr("#+- \t", line[0]) != NULL;
}

static bool is_number(const char *text)
{
	uint64_t value;

	return text_to_u64(text, 10, &value) == 0;
}

/* ---- one line ----------------------------------------------------------------------- */

/* "x:UID:GID", which may have more behind it. */
static int read_ids(struct field *rest, uint32_t *ret_uid, uint32_t *ret_gid)
{
	struct field password, uid_field, gid_field;
	uint32_t uid, gid;

	if (!take_field(rest, ':', &password) || !take_field(rest, ':', &uid_field) ||
	    !take_field(rest, ':', &gid_field))
		return -1;
	if (read_id(&uid_field, &uid) < 0 || read_id(&gid_field, &gid) < 0)
		return -1;
	*ret_uid = uid;
	*ret_gid = gid;
	return 0;
}

/* "GECOS:HOME:SHELL". Small images leave it out, or its end. */
static int read_home(struct field *rest, struct field *ret_home, struct field *ret_shell)
{
	struct field gecos;

	*ret_home = *ret_shell = (struct field){ "", 0 };
	if (take_field(rest, ':', &gecos) && take_field(rest, ':', ret_home))
		take_field(rest, ':', ret_shell);
	return ret_home->length < sizeof(((struct account *)0)->home) &&
			       ret_shell->length < sizeof(((struct account *)0)->shell)
		       ? 0
		       : -1;
}

int accounts_parse_passwd(const char *line, size_t length, const char *name,
			  const uint32_t *uid, struct account *ret_account)
{
	struct field rest = { line, length }, names, home, shell;
	uint32_t found_uid, found_gid;

	if (memchr(line, '\0', length))
		return -1;
	if (is_no_entry(line, length))
		return 1;
	if (!take_field(&rest, ':', &names) || names.length == 0 ||
	    names.length >= sizeof(ret_account->name))
		return -1;
	if (name && !is_field(&names, name))
		return 1;
	if (read_ids(&rest, &found_uid, &found_gid) < 0 ||
	    read_home(&rest, &home, &shell) < 0)
		return -1;
	if (uid && found_uid != *uid)
		return 1;
	ret_account->uid = found_uid;
	ret_account->gid = found_gid;
	copy_field(ret_account->name, sizeof(ret_account->name), &names);
	copy_field(ret_account->home, sizeof(ret_account->home), &home);
	copy_field(ret_account->shell, sizeof(ret_account->shell), &shell);
	return 0;
}

/* Whether the entry's first field is the user: by name, or by number. */
static bool is_owner(const struct field *owner, const char *name, uint32_t uid)
{
	uint32_t number;

	if (name && is_field(owner, name))
		return true;
	return read_id(owner, &number) == 0 && number == uid;
}

int accounts_parse_subid(const char *line, size_t length, const char *name, uint32_t uid,
			 struct subid_range *ret_range)
{
	struct field rest = { line, length }, owner, start_field, count_field;
	uint64_t start, count;

	if (memchr(line, '\0', length))
		return -1;
	if (is_no_entry(line, length))
		return 1;
	if (!take_field(&rest, ':', &owner) || !take_field(&rest, ':', &start_field) ||
	    !take_field(&rest, ':', &count_field) || rest.text || owner.length == 0)
		return -1;
	if (!is_owner(&owner, name, uid))
		return 1;
	/* newuidmap(1) reads these with strtol's base 0. */
	if (read_number(&start_field, 0, &start) < 0 ||
	    read_number(&count_field, 0, &count) < 0)
		return -1;
	if (count == 0)
		return 1;
	if (start > ID_LAST || count > ID_LAST - start + 1)
		return -1;
	ret_range->start = (uint32_t)start;
	ret_range->count = (uint32_t)count;
	return 0;
}

int accounts_parse_group(const char *line, size_t length, const char *name,
			 const char *member, uint32_t *ret_gid)
{
	struct field rest = { line, length }, field, names, members = { "", 0 };
	bool is_member = !member;
	uint32_t gid;

	if (memchr(line, '\0', length))
		return -1;
	if (is_no_entry(line, length))
		return 1;
	if (!take_field(&rest, ':', &names) || names.length == 0)
		return -1;
	if (name && !is_field(&names, name))
		return 1;
	if (!take_field(&rest, ':', &field) || !take_field(&rest, ':', &field) ||
	    read_id(&field, &gid) < 0)
		return -1;
	take_field(&rest, ':', &members);
	while (!is_member && take_field(&members, ',', &field))
		is_member = is_field(&field, member);
	if (!is_member)
		return 1;
	*ret_gid = gid;
	return 0;
}

/* ---- files, line by line ------------------------------------------------------------ */

/*
 * A root may be a stranger's: the file must be a regular one, a line is at most
 * LINE_MAX_SIZE long (longer ones are passed over) and no more than FILE_MAX is read.
 */
enum { LINE_MAX_SIZE = 65536, FILE_MAX = 16 << 20 };

struct lines {
	int fd;
	bool is_skipping; /* the rest of a line that was too long */
	size_t start, end, total;
	char buffer[LINE_MAX_SIZE];
};

/* A descriptor; -1 and err; -2: there is no such file. */
enum { NO_FILE = -2 };

static int open_file(int root_fd, const char *path, struct error *err)
{
	static const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	auto_close int fd = -1;
	struct stat stat;

	if (root_fd >= 0) {
		fd = files_open_in_root(root_fd, path, flags, 0);
	} else {
		char absolute[64];

		snprintf(absolute, sizeof(absolute), "/%s", path);
		fd = open(absolute, flags);
	}
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return NO_FILE;
	if (fd < 0 || fstat(fd, &stat) < 0)
		return error_errno(err, "read /%s%s", path,
				   root_fd < 0 ? "" : " of the root");
	if (!S_ISREG(stat.st_mode))
		return error_set(err, ERROR_IDS, "read /%s%s: not a regular file", path,
				 root_fd < 0 ? "" : " of the root");
	return fd_take(&fd);
}

/* Reads more behind what is there. 1: more is there, 0: the end, -1 and errno. */
static int fill(struct lines *lines)
{
	ssize_t got;

	memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	if (lines->end == sizeof(lines->buffer)) {
		lines->is_skipping = true;
		lines->end = 0;
	}
	got = fd_read_all(lines->fd, lines->buffer + lines->end,
			  sizeof(lines->buffer) - lines->end);
	if (got < 0)
		return -1;
	lines->end += (size_t)got;
	lines->total += (size_t)got;
	if (lines->total > FILE_MAX) {
		errno = EFBIG;
		return -1;
	}
	return got > 0;
}

/* 1 and the next line without its newline, 0 at the end, -1 and errno. */
static int next_line(struct lines *lines, const char **ret_line, size_t *ret_length)
{
	for (;;) {
		char *start = lines->buffer + lines->start;
		size_t left = lines->end - lines->start;
		char *newline = memchr(start, '\n', left);
		int more;

		if (!newline) {
			more = fill(lines);
			if (more > 0)
				continue;
			lines->start = lines->end;
			*ret_line = lines->buffer;
			*ret_length = lines->end;
			return more < 0 ? -1 : lines->end > 0 && !lines->is_skipping;
		}
		lines->start += (size_t)(newline - start) + 1;
		if (lines->is_skipping) {
			lines->is_skipping = false;
			continue;
		}
		*ret_line = start;
		*ret_length = (size_t)(newline - start);
		return 1;
	}
}

/* What is wanted of a file: asked for every line, in order, until it says stop. */
struct search {
	const char *name;
	const uint32_t *uid;
	struct account *account; /* passwd */
	uint32_t *gid;           /* group by name */
	uint32_t *gids;          /* groups of name */
	struct subid_range *ranges;
	size_t max, count;
	bool is_found;
	bool (*take)(struct search *search, const char *line, size_t length);
};

/* 0, or -1 and err; a missing file has no lines. */
static int search_file(int root_fd, const char *path, struct search *search,
		       struct error *err)
{
	struct lines lines;
	const char *line;
	size_t length;
	auto_close int fd = open_file(root_fd, path, err);
	int more;

	if (fd < 0)
		return fd == NO_FILE ? 0 : -1;
	lines.fd = fd;
	lines.is_skipping = false;
	lines.start = lines.end = lines.total = 0;
	lines.buffer[0] = '\0';
	do {
		more = next_line(&lines, &line, &length);
	} while (more > 0 && !search->take(search, line, length));
	if (more < 0)
		return error_errno(err, "read /%s%s", path,
				   root_fd < 0 ? "" : " of the root");
	return 0;
}

/* The same for the output of a program. */
static void search_text(const char *text, struct search *search)
{
	struct field rest = { text, strlen(text) }, line;

	while (take_field(&rest, '\n', &line)) {
		if (search->take(search, line.text, line.length))
			return;
	}
}

/* ---- users -------------------------------------------------------------------------- */

static bool take_account(struct search *search, const char *line, size_t length)
{
	if (accounts_parse_passwd(line, length, search->name, search->uid,
				  search->account) == 0)
		search->is_found = true;
	return search->is_found;
}

/* A name that getent(1) would take for a number, an option or more than a name. */
static bool is_askable(const char *name)
{
	/* strtoul(3), by which getent looks, passes over blanks and takes a sign. */
	return *name != '\0' && !strchr("+- \t\v\f\r", *name) && !is_number(name) &&
	       !strpbrk(name, ":\n/");
}

static int find_account(int root_fd, const char *key, struct search *search,
			struct error *err)
{
	const char *const words[] = { GETENT_PATH, "passwd", key, NULL };
	char output[ANSWER_SIZE];

	search->take = take_account;
	if (search_file(root_fd, "etc/passwd", search, err) < 0)
		return -1;
	if (search->is_found)
		return 0;
	if (root_fd >= 0)
		return 1;
	if (accounts_ask(words, output, err) < 0)
		return -1;
	/* A directory service may know the account under a fuller name. */
	search->name = NULL;
	search_text(output, search);
	return search->is_found ? 0 : 1;
}

int account_by_uid(int root_fd, uint32_t uid, struct account *ret_account,
		   struct error *err)
{
	struct search search = { .uid = &uid, .account = ret_account };
	char key[16];

	snprintf(key, sizeof(key), "%" PRIu32, uid);
	return find_account(root_fd, key, &search, err);
}

int account_by_name(int root_fd, const char *name, struct account *ret_account,
		    struct error *err)
{
	struct search search = { .name = name, .account = ret_account };

	if (!is_askable(name))
		return 1;
	return find_account(root_fd, name, &search, err);
}

/* ---- groups ------------------------------------------------------------------------- */

static bool take_group(struct search *search, const char *line, size_t length)
{
	if (accounts_parse_group(line, length, search->name, NULL, search->gid) == 0)
		search->is_found = true;
	return search->is_found;
}

int group_by_name(int root_fd, const char *name, uint32_t *ret_gid, struct error *err)
{
	const char *const words[] = { GETENT_PATH, "group", name, NULL };
	struct search search = { .name = name, .gid = ret_gid, .take = take_group };
	char output[ANSWER_SIZE];

	if (!is_askable(name))
		return 1;
	if (search_file(root_fd, "etc/group", &search, err) < 0)
		return -1;
	if (search.is_found || root_fd >= 0)
		return search.is_found ? 0 : 1;
	if (accounts_ask(words, output, err) < 0)
		return -1;
	search.name = NULL;
	search_text(output, &search);
	return search.is_found ? 0 : 1;
}

static bool take_membership(struct search *search, const char *line, size_t length)
{
	uint32_t gid;

	if (accounts_parse_group(line, length, NULL, search->name, &gid) == 0)
		search->gids[search->count++] = gid;
	return search->count == search->max;
}

int groups_of_user(int root_fd, const char *name, uint32_t *ret_gids, size_t max,
		   struct error *err)
{
	struct search search = {
		.name = name, .gids = ret_gids, .max = max, .take = take_membership
	};

	if (max == 0)
		return 0;
	if (search_file(root_fd, "etc/group", &search, err) < 0)
		return -1;
	return (int)search.count;
}

/* ---- subordinate ids ---------------------------------------------------------------- */

static bool overlaps(const struct subid_range *a, const struct subid_range *b)
{
	return a->start < (uint64_t)b->start + b->count &&
	       b->start < (uint64_t)a->start + a->count;
}

/* A map may name no id twice, so of ranges that overlap the first counts. */
static void add_range(struct search *search, const struct subid_range *range)
{
	for (size_t i = 0; i < search->count && i < search->max; i++) {
		if (overlaps(&search->ranges[i], range))
			return;
	}
	if (search->count < search->max)
		search->ranges[search->count] = *range;
	search->count++;
}

static bool take_range(struct search *search, const char *line, size_t length)
{
	struct subid_range range;

	if (accounts_parse_subid(line, length, search->name, *search->uid, &range) == 0)
		add_range(search, &range);
	return search->count == INT_MAX;
}

/* A line of getsubids(1): "0: NAME START COUNT". */
static bool take_answer(struct search *search, const char *line, size_t length)
{
	struct field rest = { line, length }, index, name, start_field, count_field;
	uint64_t start, count;

	if (!take_field(&rest, ' ', &index) || !take_field(&rest, ' ', &name) ||
	    !take_field(&rest, ' ', &start_field) ||
	    !take_field(&rest, ' ', &count_field))
		return false;
	if (read_number(&start_field, 10, &start) < 0 ||
	    read_number(&count_field, 10, &count) < 0)
		return false;
	if (count > 0 && start <= ID_LAST && count <= ID_LAST - start + 1)
		add_range(search,
			  &(struct subid_range){ (uint32_t)start, (uint32_t)count });
	return false;
}

bool accounts_parse_nsswitch(const char *line, size_t length)
{
	static const char blanks[] = " \t";
	char text[256];
	const struct field field = { line, length };
	char *source;

	if (copy_field(text, sizeof(text), &field) < 0)
		return false;
	text[strcspn(text, "#")] = '\0';
	source = text + strspn(text, blanks);
	if (!text_starts_with(source, "subid"))
		return false;
	source += strlen("subid");
	source += strspn(source, blanks);
	if (*source != ':')
		return false;
	source++;
	source += strspn(source, blanks);
	source[strcspn(source, blanks)] = '\0';
	return *source != '\0' && strcmp(source, "files") != 0;
}

static bool take_nsswitch(struct search *search, const char *line, size_t length)
{
	if (accounts_parse_nsswitch(line, length))
		search->is_found = true;
	return search->is_found;
}

static int ask_for_subids(enum subid_kind kind, struct search *search, struct error *err)
{
	const char *const user_words[] = { GETSUBIDS_PATH, search->name, NULL };
	const char *const group_words[] = { GETSUBIDS_PATH, "-g", search->name, NULL };
	char output[ANSWER_SIZE];

	if (!search->name || !is_askable(search->name))
		return 0;
	if (accounts_ask(kind == SUBID_UID ? user_words : group_words, output, err) < 0)
		return -1;
	search->take = take_answer;
	search_text(output, search);
	return (int)search->count;
}

int subids_of_user(enum subid_kind kind, uint32_t uid, const char *name,
		   struct subid_range *ret_ranges, size_t max, struct error *err)
{
	struct search nsswitch = { .take = take_nsswitch };
	struct search search = { .name = name,
				 .uid = &uid,
				 .ranges = ret_ranges,
				 .max = max,
				 .take = take_range };

	if (search_file(-1, "etc/nsswitch.conf", &nsswitch, err) < 0)
		return -1;
	if (nsswitch.is_found)
		return ask_for_subids(kind, &search, err);
	if (search_file(-1, kind == SUBID_UID ? "etc/subuid" : "etc/subgid", &search,
			err) < 0)
		return -1;
	return (int)search.count;
}

/* A line of uid_map: "INSIDE OUTSIDE COUNT", with blanks around them (user_namespaces(7)). */
static bool take_extent(struct search *search, const char *line, size_t length)
{
	const struct subid_range *range = search->ranges;
	unsigned long long numbers[3] = { 0 };
	char text[64];
	char *at = text;

	if (copy_field(text, sizeof(text), &(struct field){ line, length }) < 0)
		return false;
	for (size_t i = 0; i < 3; i++)
		numbers[i] = strtoull(at, &at, 10);
	search->is_found =
		range->start >= numbers[0] &&
		(uint64_t)range->start + range->count <= numbers[0] + numbers[2];
	return search->is_found;
}

static bool is_mapped(const char *map, struct subid_range *range)
{
	struct search search = { .ranges = range, .take = take_extent };
	struct error err;

	return search_file(-1, map, &search, &err) == 0 && search.is_found;
}

int subids_keep_mapped(enum subid_kind kind, struct subid_range *ranges, int count)
{
	const char *map = kind == SUBID_UID ? "/proc/self/uid_map" : "/proc/self/gid_map";
	int kept = 0;

	if (access(map, R_OK) < 0)
		return count;
	for (int i = 0; i < count; i++) {
		if (is_mapped(map + 1, &ranges[i]))
			ranges[kept++] = ranges[i];
	}
	return kept;
}
