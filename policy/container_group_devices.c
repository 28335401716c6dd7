/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices may be opened and made. v2 asks a program of ours; v1 has a list of
 * exceptions. Only the machine's root needs either: in a user namespace no device can be
 * made, and those that are bound in are the user's own.
 *
 * The program takes what is asked for (a set of read, write, make) and goes through the rules
 * from the last to the first, since later ones win. A rule for the device decides about its
 * part of the set: denied, or taken out of it. Nothing left is allowed, and what no rule
 * decides about is denied.
 */
#include "policy/group.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROGRAM_NAME "sbx_devices"

enum {
	RULE_INSTRUCTIONS = 9, /* of one rule, at most */
	FRAME_INSTRUCTIONS = 12,
	PROGRAMS_MAX = 64, /* of one group: the kernel's own limit */
};

/*
 * What every container may use, whatever the rules say: the default devices of the
 * specification, terminals, and making nodes, which alone opens nothing.
 */
static const struct cgroup_device_rule usual_devices[] = {
	{ true, 'c', -1, -1, false, false, true },
	{ true, 'b', -1, -1, false, false, true },
	{ true, 'c', 1, 3, true, true, true },
	{ true, 'c', 1, 5, true, true, true },
	{ true, 'c', 1, 7, true, true, true },
	{ true, 'c', 1, 8, true, true, true },
	{ true, 'c', 1, 9, true, true, true },
	{ true, 'c', 5, 0, true, true, true },
	{ true, 'c', 5, 2, true, true, true },
	{ true, 'c', 136, -1, true, true, true },
};

enum { USUAL_COUNT = sizeof(usual_devices) / sizeof(*usual_devices) };

/* ---- the program ----------------------------------------------------------------------- */

/* Registers: the context is in r1 at the start, the answer in r0 at the end. */
enum {
	ANSWER = BPF_REG_0,
	CONTEXT = BPF_REG_1,
	TYPE = BPF_REG_2,
	MAJOR = BPF_REG_3,
	MINOR = BPF_REG_4,
	ASKED = BPF_REG_5,
	SCRATCH = BPF_REG_6,
};

struct program {
	struct bpf_insn *code;
	size_t count;
};

static void add(struct program *program, unsigned int code, unsigned int to,
		unsigned int from, int offset, int32_t value)
{
	program->code[program->count++] = (struct bpf_insn){
		.code = (uint8_t)code,
		.dst_reg = (uint8_t)(to & 0xf),
		.src_reg = (uint8_t)(from & 0xf),
		.off = (int16_t)offset,
		.imm = value,
	};
}

/* Jumps that are not taken yet: past the rule. */
static void skip_unless(struct program *program, unsigned int reg, int64_t value)
{
	add(program, BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, (int32_t)value);
}

static int32_t access_of(const struct cgroup_device_rule *rule)
{
	return (rule->make ? BPF_DEVCG_ACC_MKNOD : 0) |
	       (rule->read ? BPF_DEVCG_ACC_READ : 0) |
	       (rule->write ? BPF_DEVCG_ACC_WRITE : 0);
}

/* Denied where the rule is about anything that is still asked for. */
static void add_denial(struct program *program, int32_t access)
{
	add(program, BPF_ALU64 | BPF_MOV | BPF_X, SCRATCH, ASKED, 0, 0);
	add(program, BPF_ALU64 | BPF_AND | BPF_K, SCRATCH, 0, 0, access);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, SCRATCH, 0, 2, 0);
	add(program, BPF_ALU64 | BPF_MOV | BPF_K, ANSWER, 0, 0, 0);
	add(program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void add_permission(struct program *program, int32_t access)
{
	add(program, BPF_ALU64 | BPF_AND | BPF_K, ASKED, 0, 0, ~access);
	add(program, BPF_JMP | BPF_JNE | BPF_K, ASKED, 0, 2, 0);
	add(program, BPF_ALU64 | BPF_MOV | BPF_K, ANSWER, 0, 0, 1);
	add(program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void add_rule(struct program *program, const struct cgroup_device_rule *rule)
{
	const size_t start = program->count;
	size_t conditions;

	if (rule->type != 'a')
		skip_unless(program, TYPE,
			    rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->major >= 0)
		skip_unless(program, MAJOR, rule->major);
	if (rule->minor >= 0)
		skip_unless(program, MINOR, rule->minor);
	conditions = program->count;
	if (rule->allow)
		add_permission(program, access_of(rule));
	else
		add_denial(program, access_of(rule));
	for (size_t i = start; i < conditions; i++)
		program->code[i].off = (int16_t)(program->count - i - 1);
}

size_t group_device_program(const struct cgroup_device_rule *rules, size_t count,
			    struct arena *arena, struct bpf_insn **ret_program)
{
	struct program program = { 0 };

	program.code =
		arena_alloc_array(arena, count * RULE_INSTRUCTIONS + FRAME_INSTRUCTIONS,
				  sizeof(*program.code));
	add(&program, BPF_LDX | BPF_W | BPF_MEM, ASKED, CONTEXT,
	    offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	add(&program, BPF_ALU64 | BPF_MOV | BPF_X, TYPE, ASKED, 0, 0);
	add(&program, BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	add(&program, BPF_ALU64 | BPF_RSH | BPF_K, ASKED, 0, 0, 16);
	add(&program, BPF_LDX | BPF_W | BPF_MEM, MAJOR, CONTEXT,
	    offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	add(&program, BPF_LDX | BPF_W | BPF_MEM, MINOR, CONTEXT,
	    offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	for (size_t i = count; i > 0; i--)
		add_rule(&program, &rules[i - 1]);
	add(&program, BPF_ALU64 | BPF_MOV | BPF_K, ANSWER, 0, 0, 0);
	add(&program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	*ret_program = program.code;
	return program.count;
}

/* ---- v2 -------------------------------------------------------------------------------- */

static int sys_bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static int load_once(const struct bpf_insn *program, size_t count)
{
	static const char license[] = "Apache-2.0";
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attributes.insns = (uint64_t)(uintptr_t)program;
	attributes.insn_cnt = (uint32_t)count;
	attributes.license = (uint64_t)(uintptr_t)license;
	memcpy(attributes.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	return sys_bpf(BPF_PROG_LOAD, &attributes);
}

/* Before 5.11 a program counts as locked memory; who may not lock more may still load it. */
static int load(const struct bpf_insn *program, size_t count)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	int loaded = load_once(program, count);
	struct rlimit before;

	if (loaded >= 0 || errno != EPERM || getrlimit(RLIMIT_MEMLOCK, &before) < 0 ||
	    setrlimit(RLIMIT_MEMLOCK, &none) < 0)
		return loaded;
	loaded = load_once(program, count);
	(void)setrlimit(RLIMIT_MEMLOCK, &before);
	return loaded;
}

static int attach(int group, int program)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.target_fd = (uint32_t)group;
	attributes.attach_bpf_fd = (uint32_t)program;
	attributes.attach_type = BPF_CGROUP_DEVICE;
	attributes.attach_flags = BPF_F_ALLOW_MULTI;
	return sys_bpf(BPF_PROG_ATTACH, &attributes);
}

static size_t list_programs(int group, uint32_t ids[PROGRAMS_MAX])
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.query.target_fd = (uint32_t)group;
	attributes.query.attach_type = BPF_CGROUP_DEVICE;
	attributes.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attributes.query.prog_cnt = PROGRAMS_MAX;
	if (sys_bpf(BPF_PROG_QUERY, &attributes) < 0)
		return 0;
	return attributes.query.prog_cnt;
}

static int open_program(uint32_t id)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_id = id;
	return sys_bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
}

/* systemd has programs of its own on its groups. */
static bool is_ours(int program)
{
	struct bpf_prog_info info;
	union bpf_attr attributes;

	memset(&info, 0, sizeof(info));
	memset(&attributes, 0, sizeof(attributes));
	attributes.info.bpf_fd = (uint32_t)program;
	attributes.info.info_len = sizeof(info);
	attributes.info.info = (uint64_t)(uintptr_t)&info;
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes) == 0 &&
	       strcmp(info.name, PROGRAM_NAME) == 0;
}

static int detach(int group, uint32_t id)
{
	auto_close int program = open_program(id);
	union bpf_attr attributes;

	if (program < 0)
		return -1;
	if (!is_ours(program))
		return 0;
	memset(&attributes, 0, sizeof(attributes));
	attributes.target_fd = (uint32_t)group;
	attributes.attach_bpf_fd = (uint32_t)program;
	attributes.attach_type = BPF_CGROUP_DEVICE;
	return sys_bpf(BPF_PROG_DETACH, &attributes);
}

/* All programs of a group have to agree: the new one first, then ours of before go. */
static int apply_new(const struct applying *applying, int group,
		     const struct cgroup_device_rule *rules, size_t count)
{
	struct arena arena = { 0 };
	struct bpf_insn *code;
	uint32_t ids[PROGRAMS_MAX];
	const size_t before = list_programs(group, ids);
	const size_t length = group_device_program(rules, count, &arena, &code);
	auto_close int program = load(code, length);
	int failed = 0;

	if (program < 0)
		failed = group_error(applying->err, "set linux.resources.devices: load a "
						    "program for them");
	else if (attach(group, program) < 0)
		failed =
			group_error(applying->err, "set linux.resources.devices: put the "
						   "program on the cgroup");
	for (size_t i = 0; !failed && i < before; i++) {
		if (detach(group, ids[i]) < 0)
			failed = group_error(
				applying->err,
				"set linux.resources.devices: take the former "
				"program off the cgroup");
	}
	arena_free(&arena);
	return failed;
}

/* ---- v1 -------------------------------------------------------------------------------- */

static bool covers(const struct cgroup_device_rule *wide,
		   const struct cgroup_device_rule *narrow)
{
	return wide->type == narrow->type &&
	       (wide->major < 0 || wide->major == narrow->major) &&
	       (wide->minor < 0 || wide->minor == narrow->minor);
}

static bool is_about(const struct cgroup_device_rule *a,
		     const struct cgroup_device_rule *b)
{
	return a->type == b->type &&
	       (a->major < 0 || b->major < 0 || a->major == b->major) &&
	       (a->minor < 0 || b->minor < 0 || a->minor == b->minor);
}

static bool shares_access(const struct cgroup_device_rule *a,
			  const struct cgroup_device_rule *b)
{
	return (a->read && b->read) || (a->write && b->write) || (a->make && b->make);
}

static int take_back(struct device_exceptions *exceptions,
		     const struct cgroup_device_rule *rule, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < exceptions->count; i++) {
		struct cgroup_device_rule *old = &exceptions->rules[i];

		if (is_about(rule, old) && shares_access(rule, old) &&
		    !covers(rule, old)) {
			error_set(err, ERROR_CGROUP,
				  "set linux.resources.devices: cgroup v1 cannot take a "
				  "single device out of a rule with wildcards");
			return error_hint(err,
					  "name the devices of the rule before one by "
					  "one, or use cgroup v2");
		}
		if (covers(rule, old)) {
			old->read = old->read && !rule->read;
			old->write = old->write && !rule->write;
			old->make = old->make && !rule->make;
		}
		if (old->read || old->write || old->make)
			exceptions->rules[kept++] = *old;
	}
	exceptions->count = kept;
	return 0;
}

static void add_exception(struct device_exceptions *exceptions,
			  const struct cgroup_device_rule *rule)
{
	for (size_t i = 0; i < exceptions->count; i++) {
		struct cgroup_device_rule *old = &exceptions->rules[i];

		if (old->type != rule->type || old->major != rule->major ||
		    old->minor != rule->minor)
			continue;
		old->read |= rule->read;
		old->write |= rule->write;
		old->make |= rule->make;
		return;
	}
	exceptions->rules[exceptions->count++] = *rule;
}

static bool is_whole(const struct cgroup_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 && rule->read &&
	       rule->write && rule->make;
}

static int add_to(struct device_exceptions *exceptions, struct cgroup_device_rule rule,
		  struct error *err)
{
	static const char types[] = { 'b', 'c' };

	if (is_whole(&rule)) {
		exceptions->allowed = rule.allow;
		exceptions->count = 0;
		return 0;
	}
	for (size_t i = 0; i < sizeof(types); i++) {
		struct cgroup_device_rule one = rule;

		if (rule.type != 'a' && rule.type != types[i])
			continue;
		one.type = types[i];
		if (one.allow != exceptions->allowed)
			add_exception(exceptions, &one);
		else if (take_back(exceptions, &one, err) < 0)
			return -1;
	}
	return 0;
}

int group_device_exceptions(const struct cgroup_device_rule *rules, size_t count,
			    struct arena *arena, struct device_exceptions *ret_exceptions,
			    struct error *err)
{
	struct device_exceptions exceptions = { 0 };

	exceptions.rules =
		arena_alloc_array(arena, 2 * count + 1, sizeof(*exceptions.rules));
	for (size_t i = 0; i < count; i++) {
		if (add_to(&exceptions, rules[i], err) < 0)
			return -1;
	}
	*ret_exceptions = exceptions;
	return 0;
}

static void spell_number(char text[24], int64_t number)
{
	if (number < 0)
		snprintf(text, 24, "*");
	else
		snprintf(text, 24, "%lld", (long long)number);
}

static int write_rule(const struct applying *applying, int group,
		      const struct cgroup_device_rule *rule)
{
	const char *file = rule->allow ? "devices.allow" : "devices.deny";
	char major[24], minor[24], line[80];

	spell_number(major, rule->major);
	spell_number(minor, rule->minor);
	snprintf(line, sizeof(line), "%c %s:%s %s%s%s", rule->type, major, minor,
		 rule->read ? "r" : "", rule->write ? "w" : "", rule->make ? "m" : "");
	if (files_write(group, file, line) < 0)
		return group_error(applying->err,
				   "set linux.resources.devices: write %s to %s", line,
				   file);
	return 0;
}

static int apply_old(const struct applying *applying, int group,
		     const struct cgroup_device_rule *rules, size_t count)
{
	struct arena arena = { 0 };
	struct device_exceptions exceptions;
	const char *file;
	int failed =
		group_device_exceptions(rules, count, &arena, &exceptions, applying->err);

	file = !failed && exceptions.allowed ? "devices.allow" : "devices.deny";
	if (!failed && files_write(group, file, "a") < 0)
		failed = group_error(applying->err,
				     "set linux.resources.devices: write a to %s", file);
	for (size_t i = 0; !failed && i < exceptions.count; i++)
		failed = write_rule(applying, group, &exceptions.rules[i]);
	arena_free(&arena);
	return failed;
}

/* ---- both ------------------------------------------------------------------------------ */

/* Root, and not of a user namespace only: there the map is `0 0 4294967295`. */
static bool is_machine_root(void)
{
	char map[64];
	char *at = map;
	unsigned long numbers[3];

	if (geteuid() != 0 ||
	    files_read(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map) - 1) < 0)
		return false;
	for (size_t i = 0; i < 3; i++)
		numbers[i] = strtoul(at, &at, 10);
	return numbers[0] == 0 && numbers[1] == 0 && numbers[2] == UINT32_MAX;
}

static int apply(const struct applying *applying, const struct cgroup_device_rule *given,
		 size_t count)
{
	static const struct knob knob = { "devices",        "devices", "devices.deny",
					  "cgroup.devices", NULL,      0 };
	const struct container_group_part *part;
	struct cgroup_device_rule *rules;
	struct arena arena = { 0 };
	bool old;
	int failed;

	part = group_part_of(applying->group, "devices", "", &old);
	if (!part)
		return group_refuse_knob(applying, &knob, "these");
	rules = arena_alloc_array(&arena, count + USUAL_COUNT, sizeof(*rules));
	if (count)
		memcpy(rules, given, count * sizeof(*rules));
	memcpy(rules + count, usual_devices, sizeof(usual_devices));
	count += USUAL_COUNT;
	failed = old ? apply_old(applying, part->dir, rules, count)
		     : apply_new(applying, part->dir, rules, count);
	arena_free(&arena);
	return failed;
}

int group_apply_devices(const struct applying *applying)
{
	const struct cgroup_resources *resources = applying->resources;

	if (resources->device_count == 0 || !is_machine_root())
		return 0;
	return apply(applying, resources->devices, resources->device_count);
}

int group_apply_usual_devices(const struct container_group *group, struct error *err)
{
	const struct applying applying = { group, NULL, err };

	if (!group_is_there(group) || !is_machine_root())
		return 0;
	return apply(&applying, NULL, 0);
}
