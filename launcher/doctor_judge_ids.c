/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor's table: ids, the programs that map them, groups and keys. */
#include "launcher/doctor_judges.h"

#include "base/accounts.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	SUBIDS_ENOUGH = 65536,
	KEYS_SPARE = 4, /* fewer than that may not last for the next sandbox */
};

static const char one_id[] =
	"a root of its own has one id; su, apt and the like fail in it";

static void judge_subids(const struct host_facts *facts, enum subid_kind kind,
			 struct finding *finding)
{
	const struct subid_facts *subids = &facts->subids[kind];
	const char *letter = kind == SUBID_UID ? "u" : "g";

	finding_found(finding, "%" PRIu64 " in %zu range%s", subids->ids, subids->ranges,
		      subids->ranges == 1 ? "" : "s");
	if (subids->ids >= SUBIDS_ENOUGH)
		return;
	if (subids->elsewhere) {
		finding_found(finding,
			      "those in /etc/sub%sid are not in the user namespace "
			      "around sbx",
			      letter);
		finding_short(finding, ROW_MISSING, one_id);
		return;
	}
	if (subids->ids == 0) {
		finding_found(finding, "none in /etc/sub%sid", letter);
		finding_short(finding, ROW_MISSING, one_id);
	} else {
		finding_short(finding, ROW_LIMITED,
			      "ids of a root beyond them are not there");
	}
	if (!subids->next_free)
		return;
	if (facts->user[0])
		finding_remedy(finding, "sudo usermod --add-sub%sids %u-%u %s", letter,
			       subids->next_free, subids->next_free + 65535, facts->user);
	else
		finding_remedy(finding, "echo %u:%u:65536 | sudo tee -a /etc/sub%sid",
			       facts->uid, subids->next_free, letter);
}

void judge_subuid(const struct host_facts *facts, struct finding *finding)
{
	judge_subids(facts, SUBID_UID, finding);
}

void judge_subgid(const struct host_facts *facts, struct finding *finding)
{
	judge_subids(facts, SUBID_GID, finding);
}

static const char no_ranges[] =
	"subordinate ids cannot be used: a root of its own has one id";

/* It needs root's power when it starts: by its set-id bit, or by a file capability. */
static bool has_power(const struct helper_facts *helper)
{
	return helper->file_caps || (helper->set_id && helper->root_owned);
}

static void install_helper(const struct host_facts *facts, struct finding *finding)
{
	const char *package = "shadow";

	if (facts->packages == PACKAGES_DNF)
		package = "shadow-utils";
	if (facts->packages == PACKAGES_APK)
		package = "shadow-uidmap";
	finding_install(facts, finding, "uidmap", package);
}

static void empower_helper(const char *path, bool root_owned, struct finding *finding)
{
	if (root_owned)
		finding_remedy(finding, "sudo chmod u+s %s", path);
	else
		finding_remedy(finding, "sudo sh -c 'chown root %s; chmod u+s %s'", path,
			       path);
}

/* Whether the program is there with its power; if not, the finding says what is wrong. */
static bool is_whole(const struct host_facts *facts, const struct helper_facts *helper,
		     struct finding *finding)
{
	if (!helper->path[0]) {
		finding_found(finding, "not installed");
		install_helper(facts, finding);
		return false;
	}
	if (!helper->executable) {
		finding_found(finding, "%s is no program", helper->path);
		install_helper(facts, finding);
		return false;
	}
	if (!has_power(helper) && helper->nobodys) {
		finding_found(finding,
			      "the owner of %s is not in the user namespace around sbx",
			      helper->path);
		return false;
	}
	if (!has_power(helper)) {
		finding_found(finding,
			      "%s has neither root's set-id bit nor a capability",
			      helper->path);
		empower_helper(helper->path, helper->root_owned, finding);
		return false;
	}
	return true;
}

static void judge_helper(const struct host_facts *facts, enum subid_kind kind,
			 struct finding *finding)
{
	const struct helper_facts *helper = &facts->helpers[kind];

	if (!is_whole(facts, helper, finding)) {
		finding_short(finding, ROW_MISSING, no_ranges);
		return;
	}
	if (helper->nosuid || facts->no_new_privs) {
		finding_found(finding, "%s, but %s", helper->path,
			      helper->nosuid ? "its file system is mounted nosuid"
					     : "sbx was started with no_new_privs");
		finding_short(finding, ROW_MISSING, no_ranges);
		return;
	}
	finding_found(finding, "%s, %s", helper->path,
		      helper->file_caps ? "with a file capability"
					: "with root's set-id bit");
}

void judge_newuidmap(const struct host_facts *facts, struct finding *finding)
{
	judge_helper(facts, SUBID_UID, finding);
}

void judge_newgidmap(const struct host_facts *facts, struct finding *finding)
{
	judge_helper(facts, SUBID_GID, finding);
}

void judge_id_map(const struct host_facts *facts, struct finding *finding)
{
	if (facts->userns.errnum) {
		finding_not_tried(finding);
		return;
	}
	if (!facts->id_map.ran) {
		finding_found(finding, "not tried: there are no subordinate ids");
		finding_short(finding, ROW_MISSING, no_ranges);
		return;
	}
	if (facts->id_map.errnum == 0) {
		finding_found(finding, "a map with subordinate ids was made");
		return;
	}
	finding_found(finding, "cannot %s", facts->id_map.step);
	finding_short(finding, ROW_MISSING, no_ranges);
}

/* Groups can only be dropped with a second id in the map, which newgidmap writes. */
void judge_groups(const struct host_facts *facts, struct finding *finding)
{
	struct finding helper = { .state = ROW_OK }, subgids = { .state = ROW_OK };

	if (!facts->extra_groups) {
		finding_found(finding, "none to drop");
		return;
	}
	judge_helper(facts, SUBID_GID, &helper);
	judge_subids(facts, SUBID_GID, &subgids);
	if (helper.state == ROW_OK && subgids.state != ROW_MISSING &&
	    facts->id_map.errnum == 0) {
		finding_found(finding, "can be dropped with a subordinate gid");
		return;
	}
	finding_found(finding,
		      "cannot be dropped without subordinate gids and newgidmap");
	finding_short(finding, ROW_MISSING, "sbx run needs --groups keep");
	finding_remedy(finding, "%s",
		       helper.state == ROW_OK ? subgids.remedy : helper.remedy);
}

void judge_keyring(const struct host_facts *facts, struct finding *finding)
{
	const struct trial *trial = &facts->keyring;

	if (trial->ran && (trial->errnum == ENOSYS || trial->errnum == EPERM)) {
		finding_found(finding, "keys are out of reach: %s",
			      strerror(trial->errnum));
		return;
	}
	if (trial->ran && trial->errnum) {
		finding_found(finding, "cannot %s: %s (%" PRIu64 " of %" PRIu64 " keys)",
			      trial->step, strerror(trial->errnum), facts->keys_used,
			      facts->keys_max);
		finding_short(finding, ROW_MISSING,
			      "a sandbox would see the caller's keys");
	} else if (facts->keys_max && facts->keys_max - facts->keys_used < KEYS_SPARE) {
		finding_found(finding, "%" PRIu64 " of %" PRIu64 " keys are used",
			      facts->keys_used, facts->keys_max);
		finding_short(finding, ROW_LIMITED,
			      "the next sandbox may get no keyring");
	} else {
		finding_found(finding, "%" PRIu64 " of %" PRIu64 " keys are used",
			      facts->keys_used, facts->keys_max);
		return;
	}
	finding_remedy(finding, "sudo sysctl kernel.keys.maxkeys=%" PRIu64,
		       facts->keys_max < 1000 ? 2000 : 2 * facts->keys_max);
}
