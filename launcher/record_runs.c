/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run whose results are read, once or several times. Each run is a sandbox of its own from
 * the first step to the last; between two of them only digests are left.
 */
#include "launcher/record.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "image/image.h"
#include "launcher/record_streams.h"
#include "launcher/run.h"
#include "plan/plan.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

enum { STATUS_DIFFERENT = 123 };

struct recording {
	const struct run *run;
	const struct plan *plan;
	const struct caller_text *caller;
	struct arena arena;
	struct streams streams;
	bool has_streams;
	struct json_value *input;
	struct files_place place; /* of the record */
	struct result first, other;
};

/* Between runs nobody takes signals: those of a user who has enough end us as ever. */
static void end_by_signals(const struct recording *recording, int how)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		if (!sigismember(&recording->run->ignored, ending[i]))
			sigaddset(&set, ending[i]);
	(void)sigprocmask(how, &set, NULL);
}

/* ---- one run --------------------------------------------------------------------------- */

/* A root in memory is there once for each of them. */
static int run_in(struct recording *recording, int number, struct result *result)
{
	struct plan plan = *recording->plan;
	struct run run = {
		.plan = &plan,
		.announce = -1,
		.ignored = recording->run->ignored,
		.result = result,
	};

	if (plan.image.mounts)
		plan.rootfs.mount = plan.image.mounts[number];
	state_init(&run.state);
	return run_to_end(&run, recording->caller);
}

static int run_one(struct recording *recording, int number, struct result *result,
		   struct error *err)
{
	int failed = 0;

	*result = (struct result){ .ran = false };
	if (recording->has_streams)
		failed = streams_begin(&recording->streams, number == 0, err);
	if (!failed)
		result->status = run_in(recording, number, result);
	if (recording->has_streams)
		streams_end(&recording->streams, number == 0, result);
	if (failed || !result->ran) {
		result_close(result);
		return failed;
	}
	end_by_signals(recording, SIG_UNBLOCK);
	failed = result_digest(result, recording->plan, &recording->arena, err);
	end_by_signals(recording, SIG_BLOCK);
	return failed;
}

/* ---- what is found --------------------------------------------------------------------- */

static int refuse_difference(const struct recording *recording, int number,
			     const char *difference, struct error *err)
{
	error_set(err, ERROR_DIFFERENT, "repeat the run: run %d: %s", number + 1,
		  difference);
	err->status = STATUS_DIFFERENT;
	if (recording->plan->namespaces.time_from_zero)
		return error_hint(err,
				  "docs/repeatable.md tells what --pure leaves to the "
				  "machine");
	return error_hint(err, "--pure takes caller, clocks, addresses and network out");
}

static bool was_killed(const struct result *result)
{
	return result->outcome.signal != 0 || result->outcome.timed_out;
}

/* 0: all are the same, or the last one is to be told of as it is. */
static int run_others(struct recording *recording, int *status, struct error *err)
{
	for (int number = 1; number < recording->plan->life.repeat; number++) {
		struct result *other = &recording->other;
		const char *difference;

		if (run_one(recording, number, other, err) < 0)
			return -1;
		if (!other->ran) {
			*status = other->status;
			return 0;
		}
		difference =
			result_difference(&recording->first, other, &recording->arena);
		if (difference)
			return refuse_difference(recording, number, difference, err);
	}
	return 0;
}

static int check_expected(const struct recording *recording, struct error *err)
{
	const char *expected = recording->plan->life.expect;
	const char *digest = recording->first.digest;

	if (!expected || strcmp(expected, digest) == 0)
		return 0;
	error_set(err, ERROR_DIFFERENT,
		  "accept what was written: its digest is %s, not %s", digest, expected);
	err->status = STATUS_DIFFERENT;
	return recording->plan->life.record
		       ? -1
		       : error_hint(err, "--record FILE lists what was written");
}

static int write_record(struct recording *recording, struct error *err)
{
	const struct plan *plan = recording->plan;
	const struct json_value *record;
	const char *text;

	if (!plan->life.record)
		return 0;
	record = record_document(plan, recording->input, &recording->first,
				 &recording->arena);
	text = json_write(record, JSON_LAYOUT_LINES, &recording->arena);
	if (files_replace(recording->place.dir, recording->place.name, text, strlen(text),
			  0644) < 0)
		return error_errno(err, "write the record %s", plan->life.record);
	return 0;
}

/* ---- all of them ----------------------------------------------------------------------- */

static int prepare(struct recording *recording, struct error *err)
{
	const struct life_spec *life = &recording->plan->life;

	if (image_program_check(err) < 0)
		return error_within(err, "compare runs");
	/* Before the command runs, which may write on the way to it. */
	if (life->record && files_hold_place(life->record, &recording->place) < 0)
		return error_errno(err, "write the record %s", life->record);
	if (life->record) {
		end_by_signals(recording, SIG_UNBLOCK);
		recording->input = record_input(recording->plan, &recording->arena);
		end_by_signals(recording, SIG_BLOCK);
	}
	if (!life->repeat)
		return 0;
	recording->has_streams = true;
	return streams_open(&recording->streams, life->status_fd != STDOUT_FILENO, err);
}

/* Whoever was killed by a signal was told to end: nothing is tried again then. */
static int run_all(struct recording *recording, int *status, struct error *err)
{
	struct result *first = &recording->first;

	if (prepare(recording, err) < 0 || run_one(recording, 0, first, err) < 0)
		return -1;
	*status = first->status;
	if (!first->ran || write_record(recording, err) < 0)
		return first->ran ? -1 : 0;
	if (!was_killed(first) && run_others(recording, status, err) < 0)
		return -1;
	return check_expected(recording, err);
}

static void end_as_first(const struct recording *recording)
{
	if (recording->first.ran)
		run_end_as(&recording->first.outcome);
}

int run_recorded(struct run *run, const struct caller_text *caller)
{
	struct recording recording = {
		.run = run,
		.plan = run->plan,
		.caller = caller,
		.place = { .dir = -1 },
	};
	struct error err = { 0 };
	int status = 125;

	if (run_all(&recording, &status, &err) < 0) {
		status = error_status(&err);
		report_error(&err, run->plan->life.log_format == LOG_JSON);
	} else {
		end_as_first(&recording);
	}
	if (recording.has_streams)
		streams_close(&recording.streams);
	fd_close(&recording.place.dir);
	arena_free(&recording.arena);
	return status;
}
