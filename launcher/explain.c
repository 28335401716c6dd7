/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor of the command's filter. A call that was denied waits in the kernel until it
 * is answered here; its task may be killed, or interrupted, at any time meanwhile, and then
 * the answer finds nobody (ENOENT). Nothing is read of a process but its name, to be shown.
 */
#include "launcher/explain.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "launcher/report.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

enum { CALLS_A_TURN = 32 };

void explainer_init(struct explainer *explainer, const struct plan *plan)
{
	*explainer = (struct explainer){
		.plan = plan,
		.answer = explain_answer,
		.answers.policy = &plan->policy,
		.listener = -1,
	};
}

static bool wants_json(const struct explainer *explainer)
{
	return explainer->plan->life.log_format == LOG_JSON;
}

void explainer_attach(struct explainer *explainer, int listener, int errnum, bool raw)
{
	struct arena arena = { 0 };

	if (!explainer->denials)
		explainer->denials = calloc(1, sizeof(*explainer->denials));
	if (listener >= 0 && explainer->listener < 0 && explainer->denials) {
		explainer->listener = listener;
		explainer->listened = true;
		return;
	}
	/* Without us every call that waits for an answer fails with ENOSYS. */
	fd_close(&listener);
	if (!explainer->plan->policy.explains)
		return;
	(void)report_offer(
		denials_deaf(errnum ? errnum : ENOMEM, wants_json(explainer), &arena),
		raw);
	arena_free(&arena);
}

/* ---- who it was ------------------------------------------------------------------------ */

/* The rest of the line that begins with a name of /proc/PID/status (proc_pid_status(5)). */
static const char *find_field(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? at + strlen(name) : NULL;
}

static void read_program(const char *status, char *to, size_t size)
{
	const char *name = find_field(status, "Name:\t");
	char comm[65];

	if (!name)
		return;
	snprintf(comm, sizeof(comm), "%.*s", (int)strcspn(name, "\n"), name);
	text_printable(to, size, comm);
}

/* Of the numbers that a process has in its pid namespaces the innermost is the last. */
static pid_t read_inner_pid(const char *status)
{
	const char *list = find_field(status, "\nNStgid:");
	char *end;
	long pid = 0;

	if (!list)
		return 0;
	for (;;) {
		const long next = strtol(list, &end, 10);

		if (end == list || *list == '\n')
			return (pid_t)pid;
		pid = next;
		list = end;
		if (*list == '\n')
			return (pid_t)pid;
	}
}

/*
 * The number may be somebody else's by now: what was read counts only if the call still
 * waits.
 */
static void name_process(const struct explainer *explainer,
			 const struct seccomp_notif *call, struct denial *denial)
{
	char path[32], status[4096];
	ssize_t length;
	uint64_t id = call->id;

	snprintf(path, sizeof(path), "/proc/%u/status", call->pid);
	length = files_read(AT_FDCWD, path, status, sizeof(status) - 1);
	if (length <= 0)
		return;
	status[length] = '\0';
	if (ioctl(explainer->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
		return;
	read_program(status, denial->program, sizeof(denial->program));
	denial->pid = read_inner_pid(status);
}

/* ---- one call -------------------------------------------------------------------------- */

static uint64_t this_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void show(struct explainer *explainer, struct denial *denial, bool raw)
{
	struct arena arena = { 0 };

	if (!denials_may_show(explainer->denials, this_second()))
		return;
	denial->shown =
		report_offer(denial_line(denial, wants_json(explainer), &arena), raw);
	explainer->denials->shown -= !denial->shown;
	arena_free(&arena);
}

/* NULL: there is nothing to show of it. */
static struct denial *note(struct explainer *explainer, const struct seccomp_notif *call,
			   const struct explained *explained)
{
	struct denial *denial;
	bool is_new;

	if (!explainer->plan->policy.explains || explained->fake)
		return NULL;
	denial = denials_note(explainer->denials, &call->data, explained, &is_new);
	if (!denial || !is_new)
		return NULL;
	explain_words(&explainer->answers, &call->data, &denial->explained);
	name_process(explainer, call, denial);
	return denial;
}

/* Only a few tasks of the kernel are waiting by now: those that were killed wait no more. */
static void answer(const struct explainer *explainer, uint64_t id,
		   const struct explained *explained)
{
	struct seccomp_notif_resp response = { .id = id };

	if (explained->fake)
		response.val = explained->value;
	else
		response.error = explained->value ? -(int)explained->value : -EPERM;
	/* ENOENT: it was interrupted. */
	(void)ioctl(explainer->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static int serve_one(struct explainer *explainer, bool raw)
{
	struct seccomp_notif call = { 0 };
	struct explained explained = { 0 };
	struct denial *denial;

	/* A task that is gone already is ENOENT, and none of the others has to wait for it. */
	if (ioctl(explainer->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return errno == ENOENT || errno == EINTR ? 0 : -1;
	explainer->answer(&explainer->answers, &call.data, &explained);
	denial = note(explainer, &call, &explained);
	answer(explainer, call.id, &explained);
	if (denial)
		show(explainer, denial, raw);
	return 0;
}

void explainer_serve(struct explainer *explainer, bool raw)
{
	for (int i = 0; i < CALLS_A_TURN && explainer->listener >= 0; i++) {
		struct pollfd pending = { .fd = explainer->listener, .events = POLLIN };

		/* Receiving waits where nothing is pending, whatever the descriptor's flags. */
		if (poll(&pending, 1, 0) <= 0)
			return;
		if (pending.revents & POLLIN && serve_one(explainer, raw) == 0)
			continue;
		/* The last task of the filter is gone. */
		fd_close(&explainer->listener);
	}
}

/* ---- the end --------------------------------------------------------------------------- */

static int write_document(const struct explainer *explainer, struct arena *arena,
			  struct error *err)
{
	const char *file = explainer->plan->policy.denials;
	const struct files_place *place = explainer->place;
	const char *text;

	if (!file)
		return 0;
	text = denials_document(explainer->denials, explainer->listened, arena);
	if (files_replace(place ? place->dir : AT_FDCWD, place ? place->name : file, text,
			  strlen(text), 0644) < 0)
		return error_errno(err, "write the denials to %s", file);
	return 0;
}

int explainer_end(struct explainer *explainer, struct error *err)
{
	struct arena arena = { 0 };
	const char *summary = NULL;
	int failed;

	if (explainer->denials)
		summary = denials_summary(explainer->denials,
					  explainer->plan->policy.denials,
					  wants_json(explainer), &arena);
	if (summary)
		(void)report_offer(summary, false);
	failed = write_document(explainer, &arena, err);
	fd_close(&explainer->listener);
	free(explainer->denials);
	explainer->denials = NULL;
	arena_free(&explainer->answers.arena);
	explainer->answers.rules = NULL;
	arena_free(&arena);
	return failed;
}
