/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx unshare`: the command in a user namespace of its own and nothing else, so that
 * files of subordinate ids can be seen and removed. The process that was called becomes
 * the command: its streams, signals and exit status need no help from us.
 */
#include "launcher/commands.h"

#include "base/accounts.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/child.h"
#include "launcher/doctor.h"
#include "launcher/report.h"
#include "userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FAILED = 125,
	SUBIDS_MAX = 64,
};

static const char usage[] = "sbx unshare [--map auto|single|subuid] COMMAND [ARG...]";

static const char purpose[] =
	"Runs COMMAND in the id map of a sandbox with a root of its own: you are 0 inside, and\n"
	"your subordinate ids are the others. Nothing else is changed, so that files which a\n"
	"sandbox left can be seen and removed.\n"
	"\n"
	"  --map auto     the whole range where there is one (the default), else one id\n"
	"  --map single   one id\n"
	"  --map subuid   the whole range, or an error\n";

enum map_choice { MAP_AUTO, MAP_SINGLE, MAP_SUBUID };

struct request {
	enum map_choice map;
	bool help;
	const char *const *command;
};

/* ---- words ----------------------------------------------------------------------------- */

static int read_map(const char *text, enum map_choice *ret_map, struct error *err)
{
	static const char *const names[] = { "auto", "single", "subuid" };

	for (size_t i = 0; text && i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_map = (enum map_choice)i;
			return 0;
		}
	}
	return error_set(err, ERROR_USAGE, "read the options: --map %.80s",
			 text ? text : "without a value");
}

static int read_option(const char *const **words, struct request *request,
		       struct error *err)
{
	const char *word = **words;

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		request->help = true;
		return 0;
	}
	if (strncmp(word, "--map=", 6) == 0)
		return read_map(word + 6, &request->map, err);
	if (strcmp(word, "--map") != 0)
		return error_set(err, ERROR_USAGE,
				 "read the options: there is no option %.80s", word);
	if (read_map((*words)[1], &request->map, err) < 0)
		return -1;
	(*words)++;
	return 0;
}

static int read_words(const char *const *words, struct request *ret_request,
		      struct error *err)
{
	struct request request = { 0 };

	for (; *words && (*words)[0] == '-'; words++) {
		if (strcmp(*words, "--") == 0) {
			words++;
			break;
		}
		if (read_option(&words, &request, err) < 0)
			return error_hint(err, "%s", usage);
	}
	if (!*words && !request.help) {
		error_set(err, ERROR_NO_COMMAND, "start anything: no command given");
		return error_hint(err, "%s", usage);
	}
	request.command = words;
	*ret_request = request;
	return 0;
}

/* ---- the map --------------------------------------------------------------------------- */

/* Our own id as 0, and the subordinate ids behind it; count 0: just the one. */
static struct id_map make_map(struct arena *arena, uint32_t own,
			      const struct subid_range *subids, int count)
{
	struct id_range *ranges =
		arena_alloc_array(arena, (size_t)count + 1, sizeof(*ranges));
	uint64_t next = 1;
	size_t used = 1;

	ranges[0] = (struct id_range){ 0, own, 1 };
	for (int i = 0; i < count && next < UINT32_MAX; i++) {
		const struct subid_range *subid = &subids[i];
		uint64_t room = UINT32_MAX - next;
		uint32_t part = subid->count < room ? subid->count : (uint32_t)room;

		if (own >= subid->start && own - subid->start < subid->count)
			continue;
		ranges[used++] = (struct id_range){ (uint32_t)next, subid->start, part };
		next += part;
	}
	return (struct id_map){ ranges, used };
}

static int read_subids(enum subid_kind kind, struct subid_range *ret_ranges,
		       struct error *err)
{
	struct account account;
	int missing = account_by_uid(-1, geteuid(), &account, err);
	int count;

	if (missing < 0)
		return -1;
	count = subids_of_user(kind, geteuid(), missing ? NULL : account.name, ret_ranges,
			       SUBIDS_MAX, err);
	if (count > SUBIDS_MAX)
		count = SUBIDS_MAX;
	return count < 0 ? -1 : subids_keep_mapped(kind, ret_ranges, count);
}

static int make_ids(enum map_choice map, struct arena *arena, struct ids_spec *ret_ids,
		    struct error *err)
{
	struct subid_range uids[SUBIDS_MAX], gids[SUBIDS_MAX];
	int uid_count = map == MAP_SINGLE ? 0 : read_subids(SUBID_UID, uids, err);
	int gid_count = map == MAP_SINGLE ? 0 : read_subids(SUBID_GID, gids, err);

	if (uid_count < 0 || gid_count < 0)
		return -1;
	if (uid_count == 0 || gid_count == 0) {
		if (map == MAP_SUBUID)
			return error_set(err, ERROR_SUBIDS_MISSING,
					 "map subordinate ids: this user has none");
		uid_count = gid_count = 0;
	}
	ret_ids->keep_groups = true;
	ret_ids->uids = make_map(arena, geteuid(), uids, uid_count);
	ret_ids->gids = make_map(arena, getegid(), gids, gid_count);
	return 0;
}

/* ---- the namespace --------------------------------------------------------------------- */

/*
 * Whoever leaves a namespace has no power over its map any more: a child that stays
 * behind writes it. It waits for a byte, and answers with an error, all zero if there is
 * none.
 */
struct mapper {
	pid_t pid;
	int asking, answer;
};

static _Noreturn void map_for_parent(const struct ids_spec *ids, pid_t parent, int asked,
				     int answer)
{
	struct error err = { 0 };
	char byte;

	/* The helpers are waited for, whatever the caller ignored. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (fd_read_all(asked, &byte, 1) != 1)
		_exit(FAILED);
	if (ids_map_child(ids, parent, &err) < 0)
		doctor_explain(&err);
	(void)fd_write_all(answer, &err, sizeof(err));
	_exit(0);
}

static int mapper_start(const struct ids_spec *ids, struct mapper *ret_mapper,
			struct error *err)
{
	const pid_t parent = getpid();
	int question[2], answer[2];

	if (pipe2(question, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	if (pipe2(answer, O_CLOEXEC) < 0) {
		error_errno(err, "make a pipe");
		close(question[0]);
		close(question[1]);
		return -1;
	}
	*ret_mapper = (struct mapper){ fork(), question[1], answer[0] };
	if (ret_mapper->pid == 0) {
		close(question[1]);
		close(answer[0]);
		map_for_parent(ids, parent, question[0], answer[1]);
	}
	if (ret_mapper->pid < 0)
		error_errno(err, "make a process that maps the ids");
	close(question[0]);
	close(answer[1]);
	return ret_mapper->pid < 0 ? -1 : 0;
}

/* Both descriptors are closed, and the child is gone, whatever comes of it. */
static int mapper_finish(struct mapper *mapper, bool wanted, struct error *err)
{
	struct error answer;
	bool answered =
		wanted && fd_write_all(mapper->asking, "", 1) == 0 &&
		fd_read_all(mapper->answer, &answer, sizeof(answer)) == sizeof(answer);

	fd_close(&mapper->asking);
	fd_close(&mapper->answer);
	while (waitpid(mapper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!wanted)
		return -1;
	if (!answered)
		return error_set(err, ERROR_IDS, "map ids: the process for it was ended");
	if (answer.text[0] == '\0')
		return 0;
	*err = answer;
	return -1;
}

static int unshare_by_child(const struct ids_spec *ids, struct error *err)
{
	struct mapper mapper = { .asking = -1, .answer = -1 };
	bool unshared;

	if (mapper_start(ids, &mapper, err) < 0)
		return -1;
	unshared = unshare(CLONE_NEWUSER) == 0;
	if (!unshared)
		namespaces_explain_refusal(errno, err);
	return mapper_finish(&mapper, unshared, err);
}

static int enter_map(const struct ids_spec *ids, struct error *err)
{
	if (id_map_check(&ids->uids, err) < 0 || id_map_check(&ids->gids, err) < 0)
		return -1;
	if (ids_mapped_by_parent(ids))
		return unshare_by_child(ids, err);
	if (unshare(CLONE_NEWUSER) < 0)
		return namespaces_explain_refusal(errno, err);
	return ids_map_self(ids, err);
}

/* Later errors come from inside of the new namespace, where the host looks otherwise: who maps
 * the ids explains its own. */
static void explain(struct error *err)
{
	if (err->id == ERROR_USERNS_FORBIDDEN || err->id == ERROR_USERNS_LIMIT)
		doctor_explain(err);
}

/* What execvp(3) found, if it is there at all: a file of that name in PATH. */
static bool find_in_path(const char *name, char *path, size_t size)
{
	const char *list = getenv("PATH");

	for (const char *at = list ? list : "/bin:/usr/bin"; at; at = strchr(at, ':')) {
		int length;

		at += *at == ':';
		length = (int)strcspn(at, ":");
		if (snprintf(path, size, "%.*s/%s", length ? length : 1,
			     length ? at : ".", name) < (int)size &&
		    access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static int become(const char *const *command, struct error *err)
{
	char path[PATH_MAX];
	int errnum;

	execvp(command[0], (char *const *)(uintptr_t)command);
	errnum = errno;
	if (strchr(command[0], '/'))
		return exec_explain(command[0], errnum, err);
	if (find_in_path(command[0], path, sizeof(path)))
		return exec_explain(path, errnum, err);
	error_set(err, ERROR_COMMAND_NOT_FOUND, "start %s: not found in PATH",
		  command[0]);
	err->status = 127;
	return -1;
}

int command_unshare(const char *const *words, const struct caller_text *caller)
{
	struct request request = { .command = words };
	struct arena arena = { 0 };
	struct ids_spec ids = { 0 };
	struct error err = { 0 };

	(void)caller;
	if (read_words(words, &request, &err) == 0) {
		if (request.help) {
			dprintf(STDOUT_FILENO, "usage: %s\n\n%s", usage, purpose);
			return 0;
		}
		if (make_ids(request.map, &arena, &ids, &err) == 0 &&
		    enter_map(&ids, &err) == 0)
			(void)become(request.command, &err);
	}
	explain(&err);
	report_error(&err, false);
	arena_free(&arena);
	return error_status(&err);
}
