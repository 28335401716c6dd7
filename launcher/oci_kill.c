/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "launcher/container.h"
#include "launcher/oci_gvisor.h"
#include "plan/plan.h"

static const char usage[] = "kill [OPTIONS] ID [SIGNAL]";

struct kill_words {
	bool all, regex;
	int number;
	struct arena *arena;
};

static int kill_one(const struct oci_globals *globals, const char *id, void *context,
		    struct error *err)
{
	const struct kill_words *read = context;
	struct container_entry entry;
	struct container_record record;
	int failed;

	if (oci_find_container(globals, id, false, read->arena, &entry, &record, err) < 0)
		return -1;
	failed = record.runsc
			 ? oci_gvisor_kill(&entry, &record, read->number, read->all, err)
			 : container_kill(&record, read->number, read->all, err);
	oci_leave_container(&entry);
	return failed;
}

static int read_signal(const char *word, int *ret_number, struct error *err)
{
	*ret_number = signal_by_name(word ? word : "TERM");
	if (word && word[0] == '0' && word[1] == '\0')
		*ret_number = 0;
	if (*ret_number >= 0)
		return 0;
	error_set(err, ERROR_USAGE, "send signal '%.60s': there is none", word);
	return error_hint(err, "a name or a number: TERM, SIGKILL, 9");
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	struct kill_words read = { .arena = arena };
	const struct oci_option options[] = {
		{ .name = "all",
		  .letter = 'a',
		  .flag = &read.all,
		  .help = "to every process of the container" },
		{ .name = "regex",
		  .letter = 'r',
		  .flag = &read.regex,
		  .help = "to all whose id matches this regular expression" },
	};
	const struct oci_visitor visitor = { kill_one, &read };

	if (oci_read_words(&words, options, sizeof(options) / sizeof(*options), usage,
			   arena, err) < 0)
		return -1;
	if (!words[0] || (words[1] && words[2])) {
		error_set(err, ERROR_USAGE,
			  "kill a container: an id is wanted, and at "
			  "most a signal behind it");
		return error_hint(err, "sbx-oci %s", usage);
	}
	if (read_signal(words[1], &read.number, err) < 0)
		return -1;
	if (read.regex)
		return oci_for_each(globals, words[0], &visitor, err);
	return kill_one(globals, words[0], &read, err);
}

int oci_kill(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
