/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices, huge pages, RDMA, the network's marks, and files of v2 by their names. */
#include "policy/group.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "policy/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BFQ_MIN = 10, BFQ_MAX = 1000, IO_WEIGHT_MAX = 10000, TEXT_MAX = 160 };

uint64_t group_io_weight(uint64_t weight)
{
	if (weight <= BFQ_MIN)
		return 1;
	if (weight >= BFQ_MAX)
		return IO_WEIGHT_MAX;
	return 1 + (weight - BFQ_MIN) * (IO_WEIGHT_MAX - 1) / (BFQ_MAX - BFQ_MIN);
}

/* ---- weights --------------------------------------------------------------------------- */

/* bfq takes blkio's numbers on v2 as well; iocost has a scale of its own. */
static const struct weight_file {
	struct knob knob;
	const char *old_device; /* of the weight of one device */
	bool converts;
} weight_files[] = {
	{ { "blockIO.weight", "blkio", "blkio.bfq.weight", "io", "io.bfq.weight", 0 },
	  "blkio.bfq.weight_device",
	  false },
	{ { "blockIO.weight", "blkio", "blkio.weight", "io", "io.weight", 0 },
	  "blkio.weight_device",
	  true },
};

/* device: "" for all, "MAJ:MIN" for one. */
static int put_weight(const struct applying *applying, const char *device,
		      uint64_t weight)
{
	const struct weight_file *file = &weight_files[0];
	char text[TEXT_MAX], shown[TEXT_MAX];
	struct knob knob;
	struct place place;

	if (!group_find_knob(applying, &file->knob, &place))
		file = &weight_files[1];
	knob = file->knob;
	if (*device) {
		knob.member = "blockIO.weightDevice";
		knob.old_file = file->old_device;
	}
	if (group_find_knob(applying, &knob, &place) && !place.old && file->converts)
		weight = group_io_weight(weight);
	if (!*device && place.old)
		return group_put_number(applying, &knob, weight);
	snprintf(text, sizeof(text), "%s%s%llu", device, *device ? " " : "",
		 (unsigned long long)weight);
	snprintf(shown, sizeof(shown), "%s %llu", *device ? device : "default",
		 (unsigned long long)weight);
	return group_put_line(applying, &knob, text, shown);
}

int group_apply_io(const struct applying *applying)
{
	const struct cgroup_number *weight = &applying->resources->io_weight;

	if (!weight->given || weight->value == 0)
		return 0;
	return put_weight(applying, "", weight->value);
}

/* ---- what a device may do -------------------------------------------------------------- */

static const struct throttle {
	const char *key; /* of io.max */
	struct knob knob;
	size_t offset;
} throttles[] = {
#define MEMBER(name) offsetof(struct cgroup_io_rule, name)
	{ "rbps",
	  { "blockIO.throttleReadBpsDevice", "blkio", "blkio.throttle.read_bps_device",
	    "io", "io.max", 0 },
	  MEMBER(read_bps) },
	{ "wbps",
	  { "blockIO.throttleWriteBpsDevice", "blkio", "blkio.throttle.write_bps_device",
	    "io", "io.max", 0 },
	  MEMBER(write_bps) },
	{ "riops",
	  { "blockIO.throttleReadIOPSDevice", "blkio", "blkio.throttle.read_iops_device",
	    "io", "io.max", 0 },
	  MEMBER(read_iops) },
	{ "wiops",
	  { "blockIO.throttleWriteIOPSDevice", "blkio",
	    "blkio.throttle.write_iops_device", "io", "io.max", 0 },
	  MEMBER(write_iops) },
#undef MEMBER
};

/* The line of a device: all that it has there, or "". */
static void read_line_of(const struct place *place, const char *device, char *line,
			 size_t size)
{
	char table[GROUP_VALUE_MAX + 1];
	char *save, *next;
	const size_t length = strlen(device);

	line[0] = '\0';
	if (files_read(place->dir, place->file, table, GROUP_VALUE_MAX) < 0)
		return;
	for (next = strtok_r(table, "\n", &save); next;
	     next = strtok_r(NULL, "\n", &save)) {
		if (strncmp(next, device, length) == 0 && next[length] == ' ')
			(void)text_copy(line, size, next);
	}
}

/* Whether a word stands in a line; a line that is not there says that there is no limit. */
static bool says(const char *line, const char *word)
{
	const size_t length = strlen(word);
	const char *at = line;

	while ((at = strstr(at, word)) != NULL) {
		if (at != line && at[-1] == ' ' && (at[length] == ' ' || !at[length]))
			return true;
		at += length;
	}
	return !*line && (strstr(word, "=max") || strcmp(word, "0") == 0);
}

static int put_throttle(const struct applying *applying, const struct throttle *throttle,
			const struct cgroup_io_rule *rule, uint64_t value)
{
	struct place place;
	char device[32], text[TEXT_MAX], line[TEXT_MAX], word[40];
	const bool unlimited = value == 0 || value == UINT64_MAX;

	snprintf(device, sizeof(device), "%u:%u", rule->major, rule->minor);
	if (!group_find_knob(applying, &throttle->knob, &place))
		return group_refuse_knob(applying, &throttle->knob, device);
	if (place.old)
		snprintf(word, sizeof(word), "%llu",
			 unlimited ? 0ULL : (unsigned long long)value);
	else if (unlimited)
		snprintf(word, sizeof(word), "%s=max", throttle->key);
	else
		snprintf(word, sizeof(word), "%s=%llu", throttle->key,
			 (unsigned long long)value);
	snprintf(text, sizeof(text), "%s %s", device, word);
	if (files_write(place.dir, place.file, text) < 0)
		return group_fail_knob(applying, &throttle->knob, &place, text);
	read_line_of(&place, device, line, sizeof(line));
	if (says(line, word))
		return 0;
	return error_set(applying->err, ERROR_CGROUP,
			 "set linux.resources.%s to %s: the kernel made it %s",
			 throttle->knob.member, text, *line ? line : "nothing");
}

static int apply_leaf_weight(const struct applying *applying,
			     const struct cgroup_io_rule *rule)
{
	static const struct knob knob = {
		"blockIO.weightDevice", "blkio", "blkio.leaf_weight_device", NULL, NULL, 0
	};
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%u:%u %llu", rule->major, rule->minor,
		 (unsigned long long)rule->leaf_weight.value);
	return group_put_line(applying, &knob, text, text);
}

static int apply_rule(const struct applying *applying, const struct cgroup_io_rule *rule)
{
	char device[32];

	snprintf(device, sizeof(device), "%u:%u", rule->major, rule->minor);
	if (rule->weight.given && rule->weight.value &&
	    put_weight(applying, device, rule->weight.value) < 0)
		return -1;
	if (rule->leaf_weight.given && rule->leaf_weight.value &&
	    apply_leaf_weight(applying, rule) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(throttles) / sizeof(*throttles); i++) {
		const struct cgroup_number *number =
			(const struct cgroup_number *)((const char *)rule +
						       throttles[i].offset);

		if (number->given &&
		    put_throttle(applying, &throttles[i], rule, number->value) < 0)
			return -1;
	}
	return 0;
}

int group_apply_io_rules(const struct applying *applying)
{
	for (size_t i = 0; i < applying->resources->io_rule_count; i++) {
		if (apply_rule(applying, &applying->resources->io_rules[i]) < 0)
			return -1;
	}
	return 0;
}

/* ---- pairs ----------------------------------------------------------------------------- */

static int check_name(const struct applying *applying, const char *member,
		      const char *name)
{
	if (*name && !strpbrk(name, "/ \n") && name[0] != '.')
		return 0;
	return error_set(applying->err, ERROR_CGROUP,
			 "set linux.resources.%s: %s is no name", member, name);
}

static int put_pages(const struct applying *applying, const struct cgroup_pair *pair,
		     bool reserved)
{
	char file[80], old_file[80];
	const struct knob knob = { "hugepageLimits", "hugetlb", old_file,
				   "hugetlb",        file,      UINT64_MAX };
	struct place place;

	snprintf(file, sizeof(file), "hugetlb.%.30s%s.max", pair->name,
		 reserved ? ".rsvd" : "");
	snprintf(old_file, sizeof(old_file), "hugetlb.%.30s%s.limit_in_bytes", pair->name,
		 reserved ? ".rsvd" : "");
	/* Since 5.7. */
	if (reserved && !group_find_knob(applying, &knob, &place))
		return 0;
	return group_put_number(applying, &knob, pair->number.value);
}

int group_apply_huge_pages(const struct applying *applying)
{
	const struct cgroup_pairs *pairs = &applying->resources->huge_pages;

	for (size_t i = 0; i < pairs->count; i++) {
		if (check_name(applying, "hugepageLimits", pairs->entries[i].name) < 0 ||
		    put_pages(applying, &pairs->entries[i], false) < 0 ||
		    put_pages(applying, &pairs->entries[i], true) < 0)
			return -1;
	}
	return 0;
}

static void add_count(char *text, size_t size, const char *key,
		      const struct cgroup_number *number)
{
	const size_t used = strlen(text);

	if (!number->given)
		return;
	if (number->value >= UINT32_MAX)
		snprintf(text + used, size - used, " %s=max", key);
	else
		snprintf(text + used, size - used, " %s=%llu", key,
			 (unsigned long long)number->value);
}

int group_apply_rdma(const struct applying *applying)
{
	static const struct knob knob = { "rdma", "rdma",     "rdma.max",
					  "rdma", "rdma.max", 0 };
	const struct cgroup_pairs *pairs = &applying->resources->rdma;

	for (size_t i = 0; i < pairs->count; i++) {
		const struct cgroup_pair *pair = &pairs->entries[i];
		char text[TEXT_MAX];

		if (check_name(applying, "rdma", pair->name) < 0)
			return -1;
		snprintf(text, sizeof(text), "%.64s", pair->name);
		add_count(text, sizeof(text), "hca_handle", &pair->number);
		add_count(text, sizeof(text), "hca_object", &pair->other);
		if (group_put_line(applying, &knob, text, text) < 0)
			return -1;
	}
	return 0;
}

int group_apply_network(const struct applying *applying)
{
	static const struct knob class_knob = {
		"network.classID", "net_cls", "net_cls.classid", NULL, NULL, 0
	};
	static const struct knob priority_knob = {
		"network.priorities", "net_prio", "net_prio.ifpriomap", NULL, NULL, 0
	};
	const struct cgroup_pairs *pairs = &applying->resources->net_priorities;

	if (applying->resources->net_class.given &&
	    group_put_number(applying, &class_knob,
			     applying->resources->net_class.value) < 0)
		return -1;
	for (size_t i = 0; i < pairs->count; i++) {
		char text[TEXT_MAX];

		if (check_name(applying, "network.priorities", pairs->entries[i].name) <
		    0)
			return -1;
		snprintf(text, sizeof(text), "%.64s %llu", pairs->entries[i].name,
			 (unsigned long long)pairs->entries[i].number.value);
		if (group_put_line(applying, &priority_knob, text, text) < 0)
			return -1;
	}
	return 0;
}

/* ---- unified --------------------------------------------------------------------------- */

/* Tables are written line by line: each write(2) is one order. */
static int write_lines(const struct place *place, const char *text)
{
	while (*text) {
		const size_t length = strcspn(text, "\n");
		char line[GROUP_VALUE_MAX + 1];

		if (length > GROUP_VALUE_MAX) {
			errno = E2BIG;
			return -1;
		}
		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		if (files_write(place->dir, place->file, line) < 0)
			return -1;
		text += length + (text[length] == '\n');
	}
	return 0;
}

static int put_unified(const struct applying *applying, const struct cgroup_pair *pair)
{
	char member[TEXT_MAX], controller[64];
	const struct knob knob = {
		member, NULL, NULL, controller, pair->name, UINT64_MAX
	};
	struct place place;
	uint64_t value;

	snprintf(member, sizeof(member), "unified[\"%.100s\"]", pair->name);
	snprintf(controller, sizeof(controller), "%.*s", (int)strcspn(pair->name, "."),
		 pair->name);
	if (check_name(applying, "unified", pair->name) < 0)
		return -1;
	if (!group_find_knob(applying, &knob, &place))
		return group_refuse_knob(applying, &knob, pair->text);
	if (strcmp(pair->text, "max") == 0)
		return group_put_number(applying, &knob, UINT64_MAX);
	if (text_to_u64(pair->text, 10, &value) == 0)
		return group_put_number(applying, &knob, value);
	if (write_lines(&place, pair->text) < 0)
		return group_fail_knob(applying, &knob, &place, pair->text);
	return 0;
}

int group_apply_unified(const struct applying *applying)
{
	const struct cgroup_pairs *pairs = &applying->resources->unified;

	for (size_t i = 0; i < pairs->count; i++) {
		if (put_unified(applying, &pairs->entries[i]) < 0)
			return -1;
	}
	return 0;
}
