/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "process" of a container says of its terminal, labels, scheduling, input and output
 * and processors.
 */
#include "plan/from_oci.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"

struct number_word {
	const char *word;
	int number;
};

/* sched_setattr(2), include/uapi/linux/sched.h */
enum {
	POLICY_DEADLINE = 6,
	FLAG_RESET_ON_FORK = 0x01,
	FLAG_RECLAIM = 0x02,
	FLAG_DL_OVERRUN = 0x04,
	FLAG_KEEP_POLICY = 0x08,
	FLAG_KEEP_PARAMS = 0x10,
	FLAG_UTIL_CLAMP_MIN = 0x20,
	FLAG_UTIL_CLAMP_MAX = 0x40,
};

/* ioprio_set(2) */
enum { IO_REALTIME = 1, IO_BEST_EFFORT = 2, IO_IDLE = 3, IO_PRIORITY_LAST = 7 };

static int find_number(const struct number_word *words, const char *word)
{
	for (; words->word; words++) {
		if (!strcmp(words->word, word))
			return words->number;
	}
	return -1;
}

/* The number of a word that has to be there. */
static int read_word(const struct json_value *object, const char *key,
		     const struct number_word *words, int *ret_number, struct error *err)
{
	const char *word = NULL;
	int number;

	if (json_get_text(object, key, &word, err) < 0)
		return -1;
	if (!word)
		return json_complain(object, err, "%s is missing", key);
	number = find_number(words, word);
	if (number < 0)
		return json_complain(json_get(object, key), err, "no such %s", key);
	*ret_number = number;
	return 0;
}

/* ---- scheduler ------------------------------------------------------------------------ */

static int read_flags(const struct json_value *object, uint64_t *ret_flags,
		      struct error *err)
{
	static const struct number_word words[] = {
		{ "SCHED_FLAG_RESET_ON_FORK", FLAG_RESET_ON_FORK },
		{ "SCHED_FLAG_RECLAIM", FLAG_RECLAIM },
		{ "SCHED_FLAG_DL_OVERRUN", FLAG_DL_OVERRUN },
		{ "SCHED_FLAG_KEEP_POLICY", FLAG_KEEP_POLICY },
		{ "SCHED_FLAG_KEEP_PARAMS", FLAG_KEEP_PARAMS },
		{ "SCHED_FLAG_UTIL_CLAMP_MIN", FLAG_UTIL_CLAMP_MIN },
		{ "SCHED_FLAG_UTIL_CLAMP_MAX", FLAG_UTIL_CLAMP_MAX },
		{ NULL, 0 },
	};
	const struct json_value *array;
	size_t count;

	if (oci_get_list(object, "flags", &array, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *word;
		int flag;

		if (json_want_text(json_at(array, i), &word, err) < 0)
			return -1;
		flag = find_number(words, word);
		if (flag < 0)
			return json_complain(json_at(array, i), err, "no such flag");
		*ret_flags |= (uint64_t)flag;
	}
	return 0;
}

static int read_scheduler(struct oci_reader *reader, const struct json_value *process,
			  struct error *err)
{
	static const struct number_word policies[] = {
		{ "SCHED_OTHER", SCHED_OTHER },
		{ "SCHED_FIFO", SCHED_FIFO },
		{ "SCHED_RR", SCHED_RR },
		{ "SCHED_BATCH", SCHED_BATCH },
		{ "SCHED_IDLE", SCHED_IDLE },
		{ "SCHED_DEADLINE", POLICY_DEADLINE },
		{ NULL, 0 },
	};
	struct schedule_spec *schedule = &reader->plan->process.schedule;
	const struct json_value *object = NULL;
	int64_t nice = 0, priority = 0;

	if (json_get_object(process, "scheduler", &object, err) < 0)
		return -1;
	if (!json_count(object))
		return 0;
	if (read_word(object, "policy", policies, &schedule->policy, err) < 0 ||
	    json_get_integer(object, "nice", -20, 19, &nice, err) < 0 ||
	    json_get_integer(object, "priority", 0, 99, &priority, err) < 0 ||
	    read_flags(object, &schedule->flags, err) < 0 ||
	    json_get_unsigned(object, "runtime", UINT64_MAX, &schedule->runtime, err) <
		    0 ||
	    json_get_unsigned(object, "deadline", UINT64_MAX, &schedule->deadline, err) <
		    0 ||
	    json_get_unsigned(object, "period", UINT64_MAX, &schedule->period, err) < 0)
		return -1;
	schedule->given = true;
	schedule->nice = (int)nice;
	schedule->priority = (uint32_t)priority;
	return 0;
}

static int read_io_priority(struct oci_reader *reader, const struct json_value *process,
			    struct error *err)
{
	static const struct number_word classes[] = {
		{ "IOPRIO_CLASS_RT", IO_REALTIME },
		{ "IOPRIO_CLASS_BE", IO_BEST_EFFORT },
		{ "IOPRIO_CLASS_IDLE", IO_IDLE },
		{ NULL, 0 },
	};
	struct process_spec *spec = &reader->plan->process;
	const struct json_value *object = NULL;
	int64_t priority = 0;

	if (json_get_object(process, "ioPriority", &object, err) < 0)
		return -1;
	if (!json_count(object))
		return 0;
	if (read_word(object, "class", classes, &spec->io.class, err) < 0 ||
	    json_get_integer(object, "priority", 0, IO_PRIORITY_LAST, &priority, err) < 0)
		return -1;
	spec->io.given = true;
	spec->io.priority = (int)priority;
	return 0;
}

/* ---- processors ----------------------------------------------------------------------- */

static int read_cpus(const struct json_value *object, const char *key,
		     const char **ret_cpus, struct error *err)
{
	const char *text = NULL;

	if (json_get_text(object, key, &text, err) < 0)
		return -1;
	if (!text || !text[0])
		return 0;
	if (text[strspn(text, "0123456789,- ")])
		return json_complain(json_get(object, key), err,
				     "not a list of processors such as 0-1,3");
	*ret_cpus = text;
	return 0;
}

static int read_affinity(struct oci_reader *reader, const struct json_value *process,
			 struct error *err)
{
	struct process_spec *spec = &reader->plan->process;
	const struct json_value *object = NULL;

	if (json_get_object(process, "execCPUAffinity", &object, err) < 0 ||
	    read_cpus(object, "initial", &spec->cpus_initial, err) < 0)
		return -1;
	return read_cpus(object, "final", &spec->cpus_final, err);
}

/* ---- terminal and labels -------------------------------------------------------------- */

static int read_console_size(struct oci_reader *reader, const struct json_value *process,
			     struct error *err)
{
	enum { CELLS_MAX = 65535 }; /* ioctl_tty(2), struct winsize */
	struct process_spec *spec = &reader->plan->process;
	const struct json_value *object = NULL;
	uint64_t height = 0, width = 0;

	if (json_get_object(process, "consoleSize", &object, err) < 0 ||
	    json_get_unsigned(object, "height", CELLS_MAX, &height, err) < 0 ||
	    json_get_unsigned(object, "width", CELLS_MAX, &width, err) < 0)
		return -1;
	if (object && !spec->terminal)
		oci_ignore(reader, object, "there is no terminal");
	spec->rows = spec->terminal ? (unsigned int)height : 0;
	spec->columns = spec->terminal ? (unsigned int)width : 0;
	return 0;
}

static int read_label(const struct json_value *process, const char *key,
		      const char **ret_label, struct error *err)
{
	const char *label = NULL;

	if (json_get_text(process, key, &label, err) < 0)
		return -1;
	*ret_label = label && label[0] ? label : NULL;
	return 0;
}

int oci_read_schedule(struct oci_reader *reader, const struct json_value *process,
		      struct error *err)
{
	struct process_spec *spec = &reader->plan->process;

	if (read_console_size(reader, process, err) < 0 ||
	    read_label(process, "apparmorProfile", &spec->apparmor, err) < 0 ||
	    read_label(process, "selinuxLabel", &spec->selinux, err) < 0 ||
	    read_scheduler(reader, process, err) < 0 ||
	    read_io_priority(reader, process, err) < 0)
		return -1;
	return read_affinity(reader, process, err);
}
