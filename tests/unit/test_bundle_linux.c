/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "base/error.h"
#include "policy/profile.h"
#include "tests/unit/bundles.h"

#define SPACES(list)  "'linux':{'namespaces':[{'type':'mount'}" list "]}"
#define LINUX_ONLY(x) BUNDLE_OF(PROCESS(""), "'linux':{" x "}")

/* ---- namespaces and ids --------------------------------------------------------------- */

static void namespaces_are_new_joined_or_the_callers(void **state)
{
	const struct ns_choice *kinds =
		bundle_read(state, BUNDLE_OF(PROCESS(""),
					     SPACES(",{'type':'pid'},{'type':'network',"
						    "'path':'/proc/1/ns/net'},"
						    "{'type':'ipc','path':''},"
						    "{'type':'cgroup'}")))
			->namespaces.kinds;

	assert_int_equal(kinds[NS_MOUNT].mode, NS_PRIVATE);
	assert_int_equal(kinds[NS_PID].mode, NS_PRIVATE);
	assert_int_equal(kinds[NS_NET].mode, NS_JOINED);
	assert_string_equal(kinds[NS_NET].path, "/proc/1/ns/net");
	assert_int_equal(kinds[NS_IPC].mode, NS_PRIVATE);
	assert_int_equal(kinds[NS_CGROUP].mode, NS_PRIVATE);
	assert_int_equal(kinds[NS_USER].mode, NS_SHARED);
	assert_int_equal(kinds[NS_UTS].mode, NS_SHARED);
	assert_int_equal(kinds[NS_TIME].mode, NS_SHARED);
	assert_false(bundle_plan(state)->namespaces.new_time);
	assert_false(bundle_plan(state)->net.loopback);
}

static void loopback_is_brought_up_in_a_new_network(void **state)
{
	assert_true(bundle_read(state, BUNDLE_OF(PROCESS(""), SPACES(",{'type':"
								     "'network'}")))
			    ->net.loopback);
}

static void a_time_namespace_may_be_joined(void **state)
{
	const struct namespaces_spec *spec =
		&bundle_read(
			 state,
			 BUNDLE_OF(PROCESS(""),
				   SPACES(",{'type':'time','path':'/proc/1/ns/time'}")))
			 ->namespaces;

	assert_false(spec->new_time);
	assert_int_equal(spec->kinds[NS_TIME].mode, NS_JOINED);
	assert_string_equal(spec->kinds[NS_TIME].path, "/proc/1/ns/time");
}

static void a_new_time_namespace_has_offsets(void **state)
{
	const struct namespaces_spec *spec =
		&bundle_read(state,
			     LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':'time'}],"
					"'timeOffsets':{'monotonic':{'secs':-5},"
					"'boottime':{'secs':7,'nanosecs':9}}"))
			 ->namespaces;

	assert_true(spec->new_time);
	assert_int_equal(spec->monotonic.seconds, -5);
	assert_int_equal(spec->monotonic.nanoseconds, 0);
	assert_int_equal(spec->boottime.seconds, 7);
	assert_int_equal(spec->boottime.nanoseconds, 9);
}

static void maps_are_those_of_the_configuration(void **state)
{
	const struct ids_spec *ids =
		&bundle_read(
			 state,
			 LINUX_ONLY(
				 "'namespaces':[{'type':'mount'},{'type':'user'}],"
				 "'uidMappings':[{'containerID':0,'hostID':5,'size':1},"
				 "{'containerID':1,'hostID':100,'size':10}],"
				 "'gidMappings':[{'containerID':2,'hostID':6,"
				 "'size':3}]"))
			 ->ids;

	assert_int_equal(ids->uids.count, 2);
	assert_int_equal(ids->uids.ranges[1].outside, 100);
	assert_int_equal(ids->gids.count, 1);
	assert_int_equal(ids->gids.ranges[0].inside, 2);
	assert_int_equal(ids->gids.ranges[0].count, 3);
}

static void maps_are_made_where_there_are_none(void **state)
{
	const struct ids_spec *ids =
		&bundle_read(state, BUNDLE_OF(PROCESS(""), SPACES(",{'type':'user'}")))
			 ->ids;
	struct error err;

	assert_true(ids->uids.count > 0);
	assert_true(ids->gids.count > 0);
	assert_int_equal(ids->uids.ranges[0].inside, 0);
	assert_int_equal(id_map_check(&ids->uids, &err), 0);
	assert_int_equal(id_map_check(&ids->gids, &err), 0);
}

static void a_joined_user_namespace_has_its_own_maps(void **state)
{
	const struct plan *plan = bundle_read(
		state,
		LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':'user','path':"
			   "'/proc/1/ns/user'}],"
			   "'uidMappings':[{'containerID':0,'hostID':0,'size':1}]"));

	assert_int_equal(plan->ids.uids.count, 0);
	bundle_ignores(plan, "linux.uidMappings: the user namespace that is joined has "
			     "its own");
}

/* ---- the rest of linux ---------------------------------------------------------------- */

static void sysctls_are_those_of_own_namespaces(void **state)
{
	const struct namespaces_spec *spec =
		&bundle_read(
			 state,
			 LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':"
				    "'network','path':'/proc/1/ns/net'},{'type':'ipc'}"
				    "],'sysctl':{'net.ipv4.ip_forward':'1',"
				    "'kernel.shmmax':'7'}"))
			 ->namespaces;

	assert_int_equal(spec->sysctl_count, 2);
	assert_string_equal(spec->sysctls[0].key, "net.ipv4.ip_forward");
	assert_string_equal(spec->sysctls[1].value, "7");
}

static void propagation_of_the_root_is_read(void **state)
{
	static const struct {
		const char *word;
		unsigned long flags;
	} rows[] = { { "private", MS_PRIVATE },      { "rprivate", MS_PRIVATE },
		     { "slave", MS_SLAVE },          { "rslave", MS_SLAVE },
		     { "shared", MS_SHARED },        { "rshared", MS_SHARED },
		     { "unbindable", MS_UNBINDABLE } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), BUNDLE("", ",'rootfsPropagation':'%s'"),
			 rows[i].word);
		assert_int_equal(bundle_read(state, text)->rootfs.propagation,
				 rows[i].flags | MS_REC);
	}
	assert_int_equal(bundle_read(state, BUNDLE("", ""))->rootfs.propagation, 0);
}

static void the_personality_is_read(void **state)
{
	const struct plan *plan =
		bundle_read(state, BUNDLE("", ",'personality':{'domain':'LINUX32'}"));

	assert_true(plan->process.has_personality);
	assert_int_equal(plan->process.personality, 8);
	plan = bundle_read(state, BUNDLE("", ",'personality':{'domain':'LINUX'}"));
	assert_true(plan->process.has_personality);
	assert_int_equal(plan->process.personality, 0);
	assert_false(bundle_read(state, BUNDLE("", ""))->process.has_personality);
}

static void devices_come_behind_the_mounts(void **state)
{
	const struct rootfs_spec *rootfs =
		&bundle_read(
			 state,
			 BUNDLE(",'mounts':[{'destination':'/dev','type':'tmpfs'}]",
				",'devices':[{'path':'/dev/fuse','type':'c','major':10,"
				"'minor':229,'fileMode':8630,'uid':1,'gid':2},"
				"{'path':'/run/f','type':'p'},"
				"{'path':'/dev/ptmx','type':'c','major':5,'minor':2},"
				"{'path':'/dev/u','type':'u','major':1,'minor':2}]"))
			 ->rootfs;
	const struct device_node *node = rootfs->mounts[1].node;

	assert_int_equal(rootfs->mount_count, 4);
	assert_int_equal(rootfs->mounts[1].kind, MOUNT_DEVICE);
	assert_string_equal(rootfs->mounts[1].dest, "/dev/fuse");
	assert_int_equal(node->type, 'c');
	assert_int_equal(node->major, 10);
	assert_int_equal(node->minor, 229);
	assert_true(node->has_mode && node->has_uid && node->has_gid);
	assert_int_equal(node->mode, 0666);
	assert_int_equal(node->uid, 1);
	assert_int_equal(node->gid, 2);
	assert_int_equal(rootfs->mounts[2].node->type, 'p');
	assert_false(rootfs->mounts[2].node->has_mode);
	assert_int_equal(rootfs->mounts[3].node->type, 'c');
	bundle_ignores(bundle_plan(state), "linux.devices[2]: it is always there");
}

static void a_dev_of_the_host_has_its_own_devices(void **state)
{
	const struct plan *plan = bundle_read(
		state, BUNDLE(",'mounts':[{'destination':'/dev/','type':'bind','source':"
			      "'/dev','options':['rbind']}]",
			      ",'devices':[{'path':'/dev/fuse','type':'c','major':10,"
			      "'minor':229}]"));

	assert_int_equal(plan->rootfs.mount_count, 1);
	bundle_ignores(plan, "linux.devices[0]: /dev is a directory of the host");
}

static void covers_come_last(void **state)
{
	const struct rootfs_spec *rootfs =
		&bundle_read(state, BUNDLE("", ",'maskedPaths':['/proc/kcore'],"
					       "'readonlyPaths':['/proc/sys']"))
			 ->rootfs;

	assert_int_equal(rootfs->mount_count, 2);
	assert_int_equal(rootfs->mounts[0].kind, MOUNT_READONLY);
	assert_string_equal(rootfs->mounts[0].dest, "/proc/sys");
	assert_int_equal(rootfs->mounts[1].kind, MOUNT_MASK);
	assert_int_equal(rootfs->mounts[1].flags, MOUNT_F_OPTIONAL);
}

/* ---- seccomp -------------------------------------------------------------------------- */

/* A build without seccomp has nothing to compile it with, and says so. */
static bool has_seccomp(void)
{
	if (!policy_is_built_in())
		skip();
	return policy_is_built_in();
}

static void a_filter_is_compiled(void **state)
{
	const struct policy_spec *policy;

	if (!has_seccomp())
		return;
	policy = &bundle_read(state,
			      BUNDLE("", ",'seccomp':{'defaultAction':'SCMP_ACT_ERRNO',"
					 "'defaultErrnoRet':38,'architectures':["
					 "'SCMP_ARCH_NATIVE'],'flags':["
					 "'SECCOMP_FILTER_FLAG_LOG'],'syscalls':["
					 "{'names':['read','socket'],'action':"
					 "'SCMP_ACT_ALLOW','args':[{'index':0,'value':1,"
					 "'valueTwo':2,'op':'SCMP_CMP_MASKED_EQ'}]},"
					 "{'names':['open'],'action':'SCMP_ACT_ERRNO',"
					 "'errnoRet':2}]}"))
			  ->policy;
	assert_non_null(policy->profile);
	assert_true(policy->filter.program.count > 3);
	assert_int_equal(policy->filter.flags & 2, 2); /* SECCOMP_FILTER_FLAG_LOG */
	assert_false(policy->filter.supervised);
}

static void a_listener_is_named(void **state)
{
	const struct plan *plan;

	if (!has_seccomp())
		return;
	plan = bundle_read(state,
			   BUNDLE("", ",'seccomp':{'defaultAction':'SCMP_ACT_ALLOW',"
				      "'listenerPath':'/run/l','listenerMetadata':'m',"
				      "'syscalls':[{'names':['mkdirat'],'action':"
				      "'SCMP_ACT_NOTIFY'}]}"));
	assert_string_equal(plan->container.listener_path, "/run/l");
	assert_string_equal(plan->container.listener_metadata, "m");
	assert_true(plan->policy.filter.notifies);
}

static void a_filter_that_nobody_answers_is_refused(void **state)
{
	if (has_seccomp())
		bundle_refuses(state,
			       BUNDLE("", ",'seccomp':{'defaultAction':'SCMP_ACT_ALLOW',"
					  "'syscalls':[{'names':['mkdirat'],'action':"
					  "'SCMP_ACT_NOTIFY'}]}"),
			       "linux.seccomp: SCMP_ACT_NOTIFY needs listenerPath");
}

static void a_bad_filter_is_refused(void **state)
{
	if (has_seccomp())
		bundle_refuses(state,
			       BUNDLE("", ",'seccomp':{'defaultAction':'SCMP_ACT_ALOW'}"),
			       "linux.seccomp.defaultAction: \"SCMP_ACT_ALOW\" is no "
			       "action (nearest: SCMP_ACT_ALLOW)");
}

static void unknown_calls_are_refused_only_on_request(void **state)
{
#define SECCOMP                                                                          \
	",'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['read',"     \
	"'stime','never'],'action':'SCMP_ACT_ERRNO'}]}"
	if (!has_seccomp())
		return;
	bundle_read(state, BUNDLE("", SECCOMP));
	bundle_refuses(state,
		       BUNDLE(",'annotations':{'run.oci.seccomp_fail_unknown_syscall':"
			      "'1'}",
			      SECCOMP),
		       "linux.seccomp.syscalls[0].names[2]: no system call that is known "
		       "here");
}

/* ---- resources ------------------------------------------------------------------------ */

#define RESOURCES(x) BUNDLE("", ",'cgroupsPath':'/a/b','resources':{" x "}")

static const struct cgroup_resources *read_resources(void **state, const char *text)
{
	return &bundle_read(state, text)->container.resources;
}

static void number_is(struct cgroup_number number, uint64_t value)
{
	assert_true(number.given);
	assert_true(number.value == value);
}

static void memory_is_read(void **state)
{
	const struct cgroup_resources *resources = read_resources(
		state, RESOURCES("'memory':{'limit':1024,'reservation':-1,'swap':2048,"
				 "'kernel':3,'kernelTCP':4,'swappiness':0,"
				 "'disableOOMKiller':true,'useHierarchy':true,"
				 "'checkBeforeUpdate':true}"));

	assert_true(bundle_plan(state)->container.has_resources);
	assert_string_equal(bundle_plan(state)->container.cgroups_path, "/a/b");
	number_is(resources->memory, 1024);
	number_is(resources->memory_reservation, UINT64_MAX);
	number_is(resources->memory_swap, 2048);
	number_is(resources->memory_kernel, 3);
	number_is(resources->memory_kernel_tcp, 4);
	number_is(resources->swappiness, 0);
	assert_true(resources->disable_oom_killer);
	assert_true(resources->use_hierarchy);
	assert_true(resources->check_before_update);
}

static void processors_and_tasks_are_read(void **state)
{
	const struct cgroup_resources *resources = read_resources(
		state, RESOURCES("'cpu':{'shares':5,'quota':-1,'period':7,'burst':0,"
				 "'realtimeRuntime':8,'realtimePeriod':9,'cpus':'0-1',"
				 "'mems':'0','idle':1},'pids':{'limit':-1}"));

	number_is(resources->cpu_shares, 5);
	number_is(resources->cpu_quota, UINT64_MAX);
	number_is(resources->cpu_period, 7);
	number_is(resources->cpu_burst, 0);
	number_is(resources->cpu_rt_runtime, 8);
	number_is(resources->cpu_rt_period, 9);
	number_is(resources->cpu_idle, 1);
	number_is(resources->pids, UINT64_MAX);
	assert_string_equal(resources->cpus, "0-1");
	assert_string_equal(resources->mems, "0");
}

static void block_devices_are_read(void **state)
{
	const struct cgroup_resources *resources = read_resources(
		state,
		RESOURCES(
			"'blockIO':{'weight':10,'leafWeight':11,'weightDevice':[{'major':"
			"8,'minor':0,'weight':12,'leafWeight':13}],"
			"'throttleReadBpsDevice':[{'major':8,'minor':1,'rate':14}],"
			"'throttleWriteBpsDevice':[{'major':8,'minor':2,'rate':15}],"
			"'throttleReadIOPSDevice':[{'major':8,'minor':3,'rate':16}],"
			"'throttleWriteIOPSDevice':[{'major':8,'minor':4,'rate':17}]}"));

	number_is(resources->io_weight, 10);
	number_is(resources->io_leaf_weight, 11);
	assert_int_equal(resources->io_rule_count, 5);
	number_is(resources->io_rules[0].weight, 12);
	number_is(resources->io_rules[0].leaf_weight, 13);
	number_is(resources->io_rules[1].read_bps, 14);
	number_is(resources->io_rules[2].write_bps, 15);
	number_is(resources->io_rules[3].read_iops, 16);
	number_is(resources->io_rules[4].write_iops, 17);
	assert_int_equal(resources->io_rules[4].minor, 4);
}

static void pages_networks_and_rdma_are_read(void **state)
{
	const struct cgroup_resources *resources = read_resources(
		state, RESOURCES("'hugepageLimits':[{'pageSize':'2MB','limit':4096}],"
				 "'network':{'classID':5,'priorities':[{'name':'eth0',"
				 "'priority':6}]},'rdma':{'mlx5':{'hcaHandles':7,"
				 "'hcaObjects':8}},'unified':{'memory.high':'9'}"));

	assert_int_equal(resources->huge_pages.count, 1);
	assert_string_equal(resources->huge_pages.entries[0].name, "2MB");
	number_is(resources->huge_pages.entries[0].number, 4096);
	number_is(resources->net_class, 5);
	assert_string_equal(resources->net_priorities.entries[0].name, "eth0");
	number_is(resources->net_priorities.entries[0].number, 6);
	assert_string_equal(resources->rdma.entries[0].name, "mlx5");
	number_is(resources->rdma.entries[0].number, 7);
	number_is(resources->rdma.entries[0].other, 8);
	assert_string_equal(resources->unified.entries[0].name, "memory.high");
	assert_string_equal(resources->unified.entries[0].text, "9");
}

static void device_rules_are_read_in_their_order(void **state)
{
	const struct cgroup_resources *resources = read_resources(
		state,
		RESOURCES("'devices':[{'allow':false,'access':'rwm'},{'allow':true,"
			  "'type':'c','major':10,'minor':229,'access':'rw'}]"));
	const struct cgroup_device_rule *rules = resources->devices;

	assert_int_equal(resources->device_count, 2);
	assert_false(rules[0].allow);
	assert_int_equal(rules[0].type, 'a');
	assert_int_equal(rules[0].major, -1);
	assert_int_equal(rules[0].minor, -1);
	assert_true(rules[0].read && rules[0].write && rules[0].make);
	assert_true(rules[1].allow);
	assert_int_equal(rules[1].type, 'c');
	assert_int_equal(rules[1].minor, 229);
	assert_false(rules[1].make);
}

static void what_says_nothing_is_no_resource(void **state)
{
	read_resources(
		state,
		RESOURCES("'memory':{'disableOOMKiller':false,'limit':0},'cpu':"
			  "{'shares':0,'period':null},'pids':{'limit':0},'blockIO':"
			  "{'weight':0},'network':{},'devices':[],'unified':{}"));
	assert_false(bundle_plan(state)->container.has_resources);
	bundle_read(state, BUNDLE("", ",'cgroupsPath':''"));
	assert_null(bundle_plan(state)->container.cgroups_path);
	assert_false(bundle_plan(state)->container.has_resources);
}

static void resources_are_read_alone_for_an_update(void **state)
{
	static const char text[] = "{\"memory\":{\"limit\":5},\"pids\":{\"limit\":6}}";
	static const char bad[] = "{\"memory\":{\"limit\":\"5\"}}";
	struct cgroup_resources resources = { 0 };
	struct arena arena = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(
		plan_read_resources(text, strlen(text), "r", &arena, &resources, &err),
		0);
	number_is(resources.memory, 5);
	number_is(resources.pids, 6);
	assert_int_equal(
		plan_read_resources(bad, strlen(bad), "r", &arena, &resources, &err), -1);
	assert_string_equal(err.text, "read r: memory.limit: not an integer");
	number_is(resources.memory, 5);
	arena_free(&arena);
}

/* ---- documents that are refused ------------------------------------------------------- */

static const struct bad {
	const char *text, *message;
} bad_documents[] = {
	{ LINUX_ONLY("'namespaces':[{'type':'mount','path':'/proc/1/ns/mnt'}]"),
	  "linux: namespaces needs a new one of type mount" },
	{ LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':'mount'}]"),
	  "linux.namespaces[1]: a second namespace of this type" },
	{ LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':'moon'}]"),
	  "linux.namespaces[1].type: no kind of namespace" },
	{ LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':'pid','path':'x'}]"),
	  "linux.namespaces[1].path: not an absolute path" },
	{ BUNDLE("", ",'uidMappings':[{'containerID':0,'hostID':0,'size':1}]"),
	  "linux.uidMappings: needs a namespace of type user" },
	{ LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':'user'}],"
		     "'uidMappings':[{'containerID':0,'hostID':0,'size':1}]"),
	  "linux: gidMappings is missing" },
	{ LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':'user'}],"
		     "'uidMappings':[{'containerID':0,'hostID':0,'size':0}],"
		     "'gidMappings':[{'containerID':0,'hostID':0,'size':1}]"),
	  "linux.uidMappings: map ids: range 0 is empty" },
	{ BUNDLE("", ",'timeOffsets':{'boottime':{'secs':1}}"),
	  "linux.timeOffsets: needs a new namespace of type time" },
	{ LINUX_ONLY("'namespaces':[{'type':'mount'},{'type':'time'}],"
		     "'timeOffsets':{'boottime':{'nanosecs':1000000000}}"),
	  "linux.timeOffsets.boottime.nanosecs: not within 0 and 999999999" },
	{ BUNDLE("", ",'sysctl':{'net.ipv4.ip_forward':'1'}"),
	  "linux.sysctl: set the sysctl net.ipv4.ip_forward: the net namespace is not the "
	  "sandbox's own" },
	{ BUNDLE("", ",'sysctl':{'vm.swappiness':'1'}"),
	  "linux.sysctl: set the sysctl vm.swappiness: it belongs to the whole machine" },
	{ BUNDLE("", ",'rootfsPropagation':'bind'"),
	  "linux.rootfsPropagation: not private, slave, shared or unbindable" },
	{ BUNDLE("", ",'personality':{'domain':'BSD'}"),
	  "linux.personality.domain: neither LINUX nor LINUX32" },
	{ BUNDLE("", ",'personality':{'domain':'LINUX','flags':['x']}"),
	  "linux.personality.flags: the specification has no flag yet" },
	{ BUNDLE("", ",'intelRdt':{'closID':'x'}"),
	  "linux.intelRdt.closID: not supported" },
	{ BUNDLE("", ",'memoryPolicy':{'mode':'MPOL_BIND'}"),
	  "linux.memoryPolicy.mode: not supported" },
	{ BUNDLE("", ",'netDevices':{'eth0':{'name':'x'}}"),
	  "linux.netDevices.eth0.name: not supported" },
	{ BUNDLE("", ",'devices':[{'type':'c','major':1,'minor':1}]"),
	  "linux.devices[0]: path is missing or not absolute" },
	{ BUNDLE("", ",'devices':[{'path':'/d','type':'x','major':1,'minor':1}]"),
	  "linux.devices[0]: type is not c, b, u or p" },
	{ BUNDLE("", ",'devices':[{'path':'/d','type':'b','major':1}]"),
	  "linux.devices[0]: minor is missing" },
	{ BUNDLE("", ",'maskedPaths':['a']"),
	  "linux.maskedPaths[0]: not an absolute path" },
	{ BUNDLE("", ",'cgroupsPath':1"), "linux.cgroupsPath: not a string" },
	{ RESOURCES("'memory':{'limit':-2}"),
	  "linux.resources.memory.limit: not within 0 and 9223372036854775807" },
	{ RESOURCES("'memory':{'swappiness':201}"),
	  "linux.resources.memory.swappiness: not within 0 and 200" },
	{ RESOURCES("'cpu':{'cpus':'0\\u000a/../x'}"),
	  "linux.resources.cpu.cpus: not a list such as 0-1,3" },
	{ RESOURCES("'blockIO':{'weightDevice':[{'major':8,'weight':12}]}"),
	  "linux.resources.blockIO.weightDevice[0]: major or minor is missing" },
	{ RESOURCES("'hugepageLimits':[{'limit':1}]"),
	  "linux.resources.hugepageLimits[0]: pageSize or limit is missing" },
	{ RESOURCES("'hugepageLimits':[{'pageSize':'../x','limit':1}]"),
	  "linux.resources.hugepageLimits[0].pageSize: not a size such as 2MB" },
	{ RESOURCES("'unified':{'../cgroup.procs':'1'}"),
	  "linux.resources.unified.../cgroup.procs: no file of a cgroup" },
	{ RESOURCES("'network':{'priorities':[{'name':'a b','priority':1}]}"),
	  "linux.resources.network.priorities[0].name: no name of an interface" },
	{ RESOURCES("'rdma':{'a/b':{'hcaHandles':1}}"),
	  "linux.resources.rdma.a/b: no name of a device" },
	{ RESOURCES("'devices':[{'type':'c'}]"),
	  "linux.resources.devices[0]: allow is missing" },
	{ RESOURCES("'devices':[{'allow':true,'type':'p'}]"),
	  "linux.resources.devices[0].type: not a, b or c" },
	{ RESOURCES("'devices':[{'allow':true,'access':'rwx'}]"),
	  "linux.resources.devices[0].access: not of the letters r, w and m" },
};

static void each_bad_document_is_refused_by_name(void **state)
{
	for (size_t i = 0; i < sizeof(bad_documents) / sizeof(bad_documents[0]); i++)
		bundle_refuses(state, bad_documents[i].text, bad_documents[i].message);
}

static void empty_objects_of_what_cannot_be_done_say_nothing(void **state)
{
	bundle_read(state, BUNDLE("", ",'intelRdt':{},'memoryPolicy':{},'netDevices':{},"
				      "'personality':{},'timeOffsets':{},'seccomp':{}"));
}

/* ---- handed to gVisor ------------------------------------------------------------------- */

static void what_gvisor_passes_over_is_one_line(void **state)
{
	if (!has_seccomp())
		return;
	bundle_read(
		state,
		BUNDLE_OF(PROCESS(""),
			  "'linux':{'namespaces':[{'type':'mount'},{'type':'ipc'}],"
			  "'maskedPaths':['/proc/kcore','/proc/version','/etc/shadow'],"
			  "'readonlyPaths':['/proc/bus','/usr'],"
			  "'sysctl':{'kernel.msgmax':'9000'},"
			  "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'}}"));
	assert_string_equal(plan_compare_bundle(bundle_plan(state)),
			    "/usr is not read-only; /proc/version is not hidden; "
			    "/etc/shadow is not hidden; kernel.msgmax is not set; "
			    "linux.seccomp is not passed on, for each of its errors "
			    "would be EPERM");
}

static void a_bundle_that_says_nothing_else_is_no_line(void **state)
{
	bundle_read(state, BUNDLE("", ""));
	assert_null(plan_compare_bundle(bundle_plan(state)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, bundle_give_back)
		TEST(namespaces_are_new_joined_or_the_callers),
		TEST(loopback_is_brought_up_in_a_new_network),
		TEST(a_time_namespace_may_be_joined),
		TEST(a_new_time_namespace_has_offsets),
		TEST(maps_are_those_of_the_configuration),
		TEST(maps_are_made_where_there_are_none),
		TEST(a_joined_user_namespace_has_its_own_maps),
		TEST(sysctls_are_those_of_own_namespaces),
		TEST(propagation_of_the_root_is_read),
		TEST(the_personality_is_read),
		TEST(devices_come_behind_the_mounts),
		TEST(a_dev_of_the_host_has_its_own_devices),
		TEST(covers_come_last),
		TEST(a_filter_is_compiled),
		TEST(a_listener_is_named),
		TEST(a_filter_that_nobody_answers_is_refused),
		TEST(a_bad_filter_is_refused),
		TEST(unknown_calls_are_refused_only_on_request),
		TEST(memory_is_read),
		TEST(processors_and_tasks_are_read),
		TEST(block_devices_are_read),
		TEST(pages_networks_and_rdma_are_read),
		TEST(device_rules_are_read_in_their_order),
		TEST(what_says_nothing_is_no_resource),
		TEST(resources_are_read_alone_for_an_update),
		TEST(each_bad_document_is_refused_by_name),
		TEST(empty_objects_of_what_cannot_be_done_say_nothing),
		TEST(what_gvisor_passes_over_is_one_line),
		TEST(a_bundle_that_says_nothing_else_is_no_line),
	};

	return cmocka_run_group_tests(tests, bundle_open, bundle_close);
}
