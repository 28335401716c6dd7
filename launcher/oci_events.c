/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx-oci events`: lines of JSON, as runc's: what the container uses, every few seconds or
 * once, and when one of its processes was killed for want of memory.
 */
#include "launcher/oci_group.h"
#include "launcher/oci_gvisor.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] = "events [OPTIONS] ID";

static int print_event(const struct oci_group *group, const char *type, bool stats,
		       struct error *err)
{
	struct arena arena = { 0 };
	struct json_value *event = json_make_object(&arena);

	json_put_text(event, "type", type);
	json_put_text(event, "id", group->record.id);
	if (stats)
		json_put_copy(event, "data", group_stats(&group->group, &arena));
	puts(json_write(event, JSON_LAYOUT_LINE, &arena));
	arena_free(&arena);
	return fflush(stdout) == 0 ? 0 : error_errno(err, "print events");
}

/* ---- until it ends --------------------------------------------------------------------- */

struct watch {
	int life;   /* pidfd of process 1 */
	int memory; /* group_watch_oom(); -1: there is none */
	uint64_t kills;
	uint64_t interval_ms, next_ms;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The pid may be another's by now: the state is looked at once more behind it. */
static int open_watch(const struct oci_group *group, uint64_t interval_ms,
		      struct watch *watch, struct error *err)
{
	struct error ignored;

	watch->life = sys_pidfd_open(group->record.pid, 0);
	if (watch->life < 0 && errno != ESRCH)
		return error_errno_id(err, ERROR_KERNEL, "watch the container");
	if (oci_group_want_life(group, "watch", err) < 0)
		return -1;
	watch->memory = group_watch_oom(&group->group, &ignored);
	watch->kills = group_oom_kills(&group->group);
	watch->interval_ms = interval_ms;
	watch->next_ms = now_ms() + interval_ms;
	return 0;
}

/* Both kernels tell of want of memory; what is printed is a kill. */
static int tell_kills(const struct oci_group *group, struct watch *watch,
		      struct error *err)
{
	const uint64_t kills = group_oom_kills(&group->group);
	char event[4096];

	if (watch->memory >= 0)
		while (read(watch->memory, event, sizeof(event)) > 0)
			;
	if (kills == watch->kills)
		return 0;
	watch->kills = kills;
	return print_event(group, "oom", false, err);
}

/* Returns 1 when process 1 has ended. */
static int watch_once(const struct oci_group *group, struct watch *watch,
		      struct error *err)
{
	struct pollfd events[] = { { .fd = watch->life, .events = POLLIN },
				   { .fd = watch->memory, .events = POLLIN } };
	const uint64_t now = now_ms();
	const uint64_t left = watch->next_ms > now ? watch->next_ms - now : 0;

	if (poll(events, 2, left > INT32_MAX ? INT32_MAX : (int)left) < 0 &&
	    errno != EINTR)
		return error_errno(err, "wait for events");
	if (tell_kills(group, watch, err) < 0)
		return -1;
	if (events[0].revents)
		return 1;
	if (now_ms() < watch->next_ms)
		return 0;
	watch->next_ms += watch->interval_ms;
	return print_event(group, "stats", true, err);
}

static int watch_all(const struct oci_group *group, uint64_t interval_ms,
		     struct error *err)
{
	struct watch watch = { .life = -1, .memory = -1 };
	int result = open_watch(group, interval_ms, &watch, err);

	while (result == 0)
		result = watch_once(group, &watch, err);
	fd_close(&watch.life);
	fd_close(&watch.memory);
	return result < 0 ? -1 : 0;
}

/* ---- the command ----------------------------------------------------------------------- */

static int become_runsc(const struct container_record *record, bool once,
			uint64_t interval_ms, struct arena *arena, struct error *err)
{
	const uint64_t seconds = (interval_ms + 999) / 1000;
	const char *const words[] = {
		once ? "--stats"
		     : arena_printf(arena, "--interval=%llu",
				    (unsigned long long)seconds),
		record->id,
		NULL,
	};

	return oci_gvisor_become(record, "events", words, err);
}

static int print(const struct oci_globals *globals, const char *id, bool once,
		 uint64_t interval_ms, struct arena *arena, struct error *err)
{
	struct oci_group group = { 0 };
	int failed = oci_group_open(globals, id, false, arena, &group, err);

	if (!failed)
		failed = oci_group_want_life(&group, "tell of", err);
	if (!failed && group.record.runsc)
		failed = become_runsc(&group.record, once, interval_ms, arena, err);
	if (!failed && !group_is_there(&group.group)) {
		failed = error_set(err, ERROR_CGROUP,
				   "tell of %.100s: it has no cgroup of its own", id);
		error_hint(err, "--systemd-cgroup, or a cgroup that is delegated to "
				"this user");
	}
	if (!failed)
		failed = once ? print_event(&group, "stats", true, err)
			      : watch_all(&group, interval_ms, err);
	oci_group_close(&group);
	return failed;
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	const char *interval = "5s", *id;
	bool once = false;
	const struct oci_option options[] = {
		{ .name = "stats", .flag = &once, .help = "once, and no other event" },
		{ .name = "interval",
		  .takes_value = true,
		  .value = &interval,
		  .help = "time between two lines, 5s" },
	};
	uint64_t interval_ms;

	if (oci_read_words(&words, options, 2, usage, arena, err) < 0)
		return -1;
	id = oci_only_id(words, usage, err);
	if (!id)
		return -1;
	if (text_to_duration_ms(interval, &interval_ms) < 0 || interval_ms == 0)
		return error_set(err, ERROR_USAGE,
				 "print events every '%.60s': no time such as 5s",
				 interval);
	return print(globals, id, once, interval_ms, arena, err);
}

int oci_events(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
