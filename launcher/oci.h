/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_OCI_H
#define SBX_LAUNCHER_OCI_H

/* The commands of `sbx-oci`: what main_oci.c has read before their words. */

#include "launcher/executor.h"
#include "policy/container_group.h"

#include <stdbool.h>

struct arena;
struct error;

/* The newest runtime-spec whose members are known; any 1.x is read. */
#define OCI_VERSION_KNOWN "1.3.0"

struct oci_globals {
	const char *root;
	enum group_manager manager;
	bool debug, best_effort;
	bool errors_only;    /* --log-level error: no warnings */
	const char *runtime; /* --runtime; NULL: as the bundle says, or native */
	const char *platform, *runsc, *runsc_pin;
	const char *log; /* a file, "journald:NAME", "syslog:NAME"; NULL: stderr alone */
	bool log_json;
	const struct caller_text *caller;
};

/* words: behind the command's name, NULL-ended. Return the exit status, having said why. */
int oci_create(const struct oci_globals *globals, const char *const *words);
int oci_run(const struct oci_globals *globals, const char *const *words);
int oci_start(const struct oci_globals *globals, const char *const *words);
int oci_state(const struct oci_globals *globals, const char *const *words);
int oci_list(const struct oci_globals *globals, const char *const *words);
int oci_kill(const struct oci_globals *globals, const char *const *words);
int oci_delete(const struct oci_globals *globals, const char *const *words);
int oci_exec(const struct oci_globals *globals, const char *const *words);
int oci_ps(const struct oci_globals *globals, const char *const *words);
int oci_pause(const struct oci_globals *globals, const char *const *words);
int oci_resume(const struct oci_globals *globals, const char *const *words);
int oci_update(const struct oci_globals *globals, const char *const *words);
int oci_events(const struct oci_globals *globals, const char *const *words);
int oci_spec(const struct oci_globals *globals, const char *const *words);
int oci_features(const struct oci_globals *globals, const char *const *words);

/* One option of a command: -x, --long VALUE, --long=VALUE. oci_words.c */
struct oci_option {
	const char *name; /* long, without dashes */
	char letter;      /* 0: none */
	bool takes_value, many;
	const char **value;   /* takes_value: where it goes; the last one counts */
	const char ***values; /* many: NULL-ended list */
	bool *flag;           /* else: what is set; --flag=false takes it back */
	const char *help;     /* a line of --help; NULL: only taken, without effect */
};

/*
 * Reads options up to the first word that is none, or behind `--`; *words is left there.
 * usage: "create [OPTIONS] ID". -1: err has the usage; or --help was asked for and
 * answered, which oci_fail() takes for success.
 */
int oci_read_words(const char *const **words, const struct oci_option *options,
		   size_t count, const char *usage, struct arena *arena,
		   struct error *err);

struct container_entry;
struct container_record;

/*
 * The container of that id and its record. locked: as container_open(), for start, delete,
 * pause, resume and update; else as container_look(). oci_leave_container() in the end. -1:
 * nothing is open; ERROR_NO_SUCH_SANDBOX, also where there is no ROOT at all.
 * oci_containers.c
 */
int oci_find_container(const struct oci_globals *globals, const char *id, bool locked,
		       struct arena *arena, struct container_entry *ret_entry,
		       struct container_record *ret_record, struct error *err);

/*
 * Visits each container whose id matches the extended regular expression, and
 * tells the first failure. oci_each.c
 */
struct oci_visitor {
	int (*visit)(const struct oci_globals *globals, const char *id, void *context,
		     struct error *err);
	void *context;
};
int oci_for_each(const struct oci_globals *globals, const char *expression,
		 const struct oci_visitor *visitor, struct error *err);

/* Whose it is, by name where there is one: the record has the number. */
void oci_name_owner(struct container_record *record, struct arena *arena);

/* Closes it and ROOT. */
void oci_leave_container(struct container_entry *entry);

/*
 * A command that has nothing to say but its error: with memory of its own, run() reads the
 * words and does it. Returns the exit status.
 */
int oci_command(const struct oci_globals *globals, const char *const *words,
		int (*run)(const struct oci_globals *globals, const char *const *words,
			   struct arena *arena, struct error *err));

/* What is left: exactly one word, an id. NULL: err has the usage. oci_words.c */
const char *oci_only_id(const char *const *words, const char *usage, struct error *err);

/*
 * Makes sure that the log can be written to, as clients expect before anything else is done.
 * oci_log.c
 */
int oci_open_log(const struct oci_globals *globals, struct error *err);

/*
 * One line to the log and to stderr, as clients read them. Returns the status of the command:
 * 1; 0 where help was asked for and given. oci_log.c
 */
int oci_fail(const struct oci_globals *globals, const struct error *err);
/* Warnings and what --debug shows go to the log, or where there is none to stderr. */
/* The same as an error would be told, without its hint: what goes on without. */
void oci_warn_of(const struct oci_globals *globals, const struct error *err);
void oci_warn(const struct oci_globals *globals, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void oci_debug(const struct oci_globals *globals, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
