/* SPDX-License-Identifier: Apache-2.0 */
/* Which row of the doctor's table is to blame for an error. */
#include "launcher/doctor.h"

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* Rows that may be to blame, the most particular first; refined is the error's new id. */
static const struct suspicion {
	enum error_id id, refined;
	const char *row;
} suspicions[] = {
	{ ERROR_USERNS_FORBIDDEN, ERROR_USERNS_SYSCTL, "userns-sysctl" },
	{ ERROR_USERNS_FORBIDDEN, ERROR_USERNS_APPARMOR, "userns-apparmor" },
	{ ERROR_USERNS_FORBIDDEN, ERROR_USERNS_SECCOMP, "userns-seccomp" },
	{ ERROR_USERNS_FORBIDDEN, ERROR_USERNS_LIMIT, "userns-limit" },
	{ ERROR_USERNS_FORBIDDEN, ERROR_USERNS_FORBIDDEN, "chroot" },
	{ ERROR_USERNS_FORBIDDEN, ERROR_USERNS_FORBIDDEN, "container" },
	{ ERROR_USERNS_LIMIT, ERROR_USERNS_LIMIT, "userns-limit" },
	{ ERROR_NAMESPACE, ERROR_USERNS_LIMIT, "userns-limit" },
	{ ERROR_NAMESPACE, ERROR_NAMESPACE, "namespaces" },
	{ ERROR_KERNEL, ERROR_KERNEL, "kernel" },
	{ ERROR_KERNEL, ERROR_KERNEL, "mount-api" },
	{ ERROR_PROC_COVERED, ERROR_PROC_COVERED, "proc" },
	{ ERROR_SUBIDS_MISSING, ERROR_SUBIDS_MISSING, "subuid" },
	{ ERROR_SUBIDS_MISSING, ERROR_SUBIDS_MISSING, "subgid" },
	{ ERROR_IDMAP_HELPER, ERROR_IDMAP_HELPER, "newuidmap" },
	{ ERROR_IDMAP_HELPER, ERROR_IDMAP_HELPER, "newgidmap" },
	{ ERROR_IDMAP_HELPER, ERROR_SUBIDS_MISSING, "subuid" },
	{ ERROR_IDMAP_HELPER, ERROR_SUBIDS_MISSING, "subgid" },
	{ ERROR_GROUPS, ERROR_GROUPS, "groups" },
	{ ERROR_OVERLAY, ERROR_OVERLAY, "overlay" },
	{ ERROR_KEYRING, ERROR_KEYRING, "keyring" },
};

/* What the error offers beside the remedy: an option that does without. */
static const struct way_round {
	enum error_id id;
	const char *options;
} ways_round[] = {
	{ ERROR_PROC_COVERED,
	  "--proc host (shows the outer process list) or --proc none" },
	{ ERROR_SUBIDS_MISSING, "--map single" },
	{ ERROR_IDMAP_HELPER, "--map single" },
	{ ERROR_GROUPS, "--groups keep" },
	{ ERROR_OVERLAY, "--cwd ro or --cwd rw" },
};

static const char *way_round_of(enum error_id id)
{
	for (size_t i = 0; i < sizeof(ways_round) / sizeof(ways_round[0]); i++) {
		if (ways_round[i].id == id)
			return ways_round[i].options;
	}
	return NULL;
}

/* A command that was cut does harm, so the hint has all of it or none. */
static void hint_at(const struct finding *finding, const char *options, struct error *err)
{
	char hint[sizeof(finding->remedy) + sizeof(err->hint)];

	snprintf(hint, sizeof(hint), "%s%s%s", finding->remedy,
		 finding->remedy[0] && options ? ", or " : "", options ? options : "");
	if (hint[0] && strlen(hint) < sizeof(err->hint))
		memcpy(err->hint, hint, strlen(hint) + 1);
	else
		error_hint(err, "%s%ssbx doctor tells more", options ? options : "",
			   options ? "; " : "");
}

static void append_cause(struct error *err, enum error_id id, const char *cause)
{
	char tried[121], found[sizeof(err->text) - sizeof(tried) - 1];

	text_copy(tried, sizeof(tried), err->text);
	error_set(err, id, "%s", cause);
	text_copy(found, sizeof(found), err->text);
	snprintf(err->text, sizeof(err->text), "%s: %s", tried, found);
}

static void blame(const struct finding *finding, enum error_id id, struct error *err)
{
	int status = err->status;

	/* A trial tells what it could not do, as the error does already. */
	if (text_starts_with(finding->found, "cannot "))
		error_set(err, id, "%s", finding->found + strlen("cannot "));
	else
		append_cause(err, id, finding->found);
	err->status = status;
	hint_at(finding, way_round_of(id), err);
}

/*
 * AppArmor's restriction lets the namespace be made and takes all power in it, so that
 * whatever comes next fails: the map, a mount, the loopback interface.
 */
static bool is_powerless(const struct error *err)
{
	return (err->errnum == EPERM || err->errnum == EACCES) &&
	       (err->id == ERROR_PLAIN || err->id == ERROR_IDS ||
		err->id == ERROR_NAMESPACE || err->id == ERROR_PROC_COVERED ||
		err->id == ERROR_USERNS_FORBIDDEN);
}

/*
 * In a user namespace of our own there is power for all that a sandbox needs, so that
 * the kernel itself refuses nothing of it.
 */
static bool may_be_filtered(const struct error *err)
{
	return (err->errnum == EPERM || err->errnum == ENOSYS) && !err->hint[0] &&
	       !err->explained &&
	       (err->id == ERROR_PLAIN || err->id == ERROR_NAMESPACE ||
		err->id == ERROR_KERNEL || err->id == ERROR_CAPABILITIES);
}

static void blame_filter(const struct host_facts *facts, struct error *err)
{
	struct finding container = doctor_judge("container", facts);
	char text[sizeof(err->text)];

	text_copy(text, sizeof(text), err->text);
	snprintf(err->text, sizeof(err->text),
		 "%.120s: %s; a seccomp filter around sbx may be what refuses it", text,
		 strerror(err->errnum));
	err->explained = true;
	hint_at(&container, NULL, err);
}

/* A container never is the whole cause; it is named where there is no better one. */
static bool is_to_blame(const struct finding *finding, const char *row)
{
	if (strcmp(row, "container") == 0)
		return finding->state != ROW_OK;
	return finding->state == ROW_MISSING;
}

void doctor_explain_by(const struct host_facts *facts, struct error *err)
{
	struct finding finding = doctor_judge("userns-apparmor", facts);

	if (finding.state == ROW_MISSING && is_powerless(err)) {
		blame(&finding, ERROR_USERNS_APPARMOR, err);
		return;
	}
	if (facts->unmapped && err->id == ERROR_USERNS_FORBIDDEN) {
		finding = doctor_judge("userns", facts);
		blame(&finding, ERROR_USERNS_FORBIDDEN, err);
		return;
	}
	for (size_t i = 0; i < sizeof(suspicions) / sizeof(suspicions[0]); i++) {
		if (suspicions[i].id != err->id)
			continue;
		finding = doctor_judge(suspicions[i].row, facts);
		if (!is_to_blame(&finding, suspicions[i].row))
			continue;
		blame(&finding, suspicions[i].refined, err);
		return;
	}
	if (facts->filtered && may_be_filtered(err))
		blame_filter(facts, err);
}

static bool is_suspicious(enum error_id id)
{
	for (size_t i = 0; i < sizeof(suspicions) / sizeof(suspicions[0]); i++) {
		if (suspicions[i].id == id)
			return true;
	}
	return false;
}

/* Most refusals have nothing to do with it: nothing needs to be tried for them. */
static bool apparmor_restricts(void)
{
	char text[8];

	return files_read(AT_FDCWD,
			  "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", text,
			  sizeof(text) - 1) > 0 &&
	       text[0] != '0';
}

void doctor_explain(struct error *err)
{
	struct host_facts facts;

	if (!is_suspicious(err->id) && !(is_powerless(err) && apparmor_restricts()) &&
	    !(may_be_filtered(err) && prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER))
		return;
	host_gather(&facts);
	doctor_explain_by(&facts, err);
}
