/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/from_oci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/json.h"
#include "plan/internal.h"
#include "policy/profile.h"
#include "tests/unit/plan_equal.h"
#include "tests/unit/plan_sample.h"

static struct plan plan;

static int give_back(void **state)
{
	(void)state;
	plan_free(&plan);
	memset(&plan, 0, sizeof(plan));
	return 0;
}

/* JSON is written with single quotes here. */
static int read_text(const char *text, const char *name, struct error *err)
{
	char copy[8192];
	size_t length = strlen(text);

	assert_true(length < sizeof(copy));
	memcpy(copy, text, length + 1);
	for (size_t i = 0; i < length; i++) {
		if (copy[i] == '\'')
			copy[i] = '"';
	}
	return plan_from_oci(copy, length, name, &plan, err);
}

static void read_well(const char *text)
{
	struct error err;

	if (read_text(text, "/srv/bundle/config.json", &err) < 0)
		fail_msg("%s", err.text);
}

#define HEAD    "{'ociVersion':'1.0.2',"
#define PROCESS "'process':{'cwd':'/','args':['sh']},"
#define ROOT    "'root':{'path':'rootfs'}"
#define SMALL   HEAD PROCESS ROOT
#define SPACES  "'namespaces':[{'type':'user'},{'type':'mount'}]"
#define LINUX   ",'linux':{" SPACES "}"

/* ---- what other tools write --------------------------------------------------------- */

static const char rootless_template[] = HEAD
	"'process':{'terminal':true,'user':{'uid':0,'gid':0},'args':['sh'],"
	"'env':['PATH=/usr/bin:/bin','TERM=xterm'],'cwd':'/',"
	"'capabilities':{'bounding':['CAP_AUDIT_WRITE','CAP_KILL'],"
	"'effective':['CAP_AUDIT_WRITE','CAP_KILL'],'permitted':['CAP_AUDIT_WRITE','CAP_KILL'],"
	"'inheritable':[],'ambient':['CAP_KILL']},"
	"'rlimits':[{'type':'RLIMIT_NOFILE','hard':1024,'soft':1024}],'noNewPrivileges':true},"
	"'root':{'path':'rootfs','readonly':true},'hostname':'runc','mounts':["
	"{'destination':'/proc','type':'proc','source':'proc'},"
	"{'destination':'/dev','type':'tmpfs','source':'tmpfs',"
	"'options':['nosuid','strictatime','mode=755','size=65536k']},"
	"{'destination':'/dev/pts','type':'devpts','source':'devpts',"
	"'options':['nosuid','noexec','newinstance','ptmxmode=0666','mode=0620']},"
	"{'destination':'/dev/shm','type':'tmpfs','source':'shm',"
	"'options':['nosuid','noexec','nodev','mode=1777','size=65536k']},"
	"{'destination':'/dev/mqueue','type':'mqueue','source':'mqueue',"
	"'options':['nosuid','noexec','nodev']},"
	"{'destination':'/sys','type':'none','source':'/sys',"
	"'options':['rbind','nosuid','noexec','nodev','ro']},"
	"{'destination':'/sys/fs/cgroup','type':'cgroup','source':'cgroup',"
	"'options':['nosuid','noexec','nodev','relatime','ro']}],"
	"'linux':{'uidMappings':[{'containerID':0,'hostID':1000,'size':1}],"
	"'gidMappings':[{'containerID':0,'hostID':100,'size':1}],"
	"'resources':{'devices':[{'allow':false,'access':'rwm'}],'memory':{},"
	"'pids':{'limit':-1},'cpu':{'shares':1024,'quota':0}},"
	"'namespaces':[{'type':'pid'},{'type':'ipc'},{'type':'uts'},{'type':'mount','path':''},"
	"{'type':'cgroup'},{'type':'user'}],"
	"'maskedPaths':['/proc/kcore'],'readonlyPaths':['/proc/sys','/proc/bus']}}";

static const char limited[] =
	SMALL ",'linux':{" SPACES
	      ",'resources':{'memory':{'limit':4096,'swap':-1},'pids':{'limit':9},"
	      "'cpu':{'quota':50000,'cpus':'0-1'},'blockIO':{'weight':1000}}}}";

static void resources_become_limits(void **state)
{
	const struct cgroup_limits *limits = &plan.policy.limits.cgroup;

	(void)state;
	read_well(limited);
	assert_int_equal(limits->memory, 4096);
	assert_true(limits->has_memory_swap && limits->memory_swap == UINT64_MAX);
	assert_int_equal(limits->pids, 9);
	assert_int_equal(limits->cpu_quota_us, 50000);
	assert_int_equal(limits->cpu_period_us, 100000);
	assert_string_equal(limits->cpuset, "0-1");
	assert_int_equal(limits->io_weight, 10000);
}

static void a_template_of_other_runtimes_is_read(void **state)
{
	const struct namespaces_spec *spaces = &plan.namespaces;

	(void)state;
	read_well(rootless_template);
	assert_true(plan.process.terminal);
	assert_string_equal(plan.process.argv[0], "sh");
	assert_null(plan.process.argv[1]);
	assert_int_equal(plan.process.env_count, 2);
	assert_int_equal(plan.process.umask, 022);
	assert_int_equal(plan.policy.caps.kept, 1 << 29 | 1 << 5);
	assert_int_equal(plan.policy.caps.ambient, 1 << 5);
	assert_int_equal(plan.policy.limits.rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(plan.rootfs.kind, ROOT_DIRECTORY);
	assert_int_equal(plan.rootfs.mode, ROOT_RO);
	assert_string_equal(plan.rootfs.path, "/srv/bundle/rootfs");
	assert_string_equal(spaces->hostname, "runc");
	assert_int_equal(spaces->kinds[NS_PID].mode, NS_PRIVATE);
	assert_int_equal(spaces->kinds[NS_MOUNT].mode, NS_PRIVATE);
	assert_int_equal(spaces->kinds[NS_NET].mode, NS_SHARED);
	assert_false(plan.net.loopback);
	assert_int_equal(plan.ids.gids.ranges[0].outside, 100);
	assert_int_equal(plan.life.status_fd, -1);
	assert_int_equal(plan.life.kill_after_ms, 10000);
	assert_int_equal(plan.process.stop_signal, 15);
}

static void mounts_of_a_template_keep_their_order(void **state)
{
	static const enum mount_kind kinds[] = {
		MOUNT_PROC,   MOUNT_DEV,      MOUNT_TMPFS,    MOUNT_MQUEUE, MOUNT_BIND,
		MOUNT_CGROUP, MOUNT_READONLY, MOUNT_READONLY, MOUNT_MASK,
	};
	const struct mount_entry *shm;

	(void)state;
	read_well(rootless_template);
	assert_int_equal(plan.rootfs.mount_count, sizeof(kinds) / sizeof(kinds[0]));
	for (size_t i = 0; i < plan.rootfs.mount_count; i++)
		assert_int_equal(plan.rootfs.mounts[i].kind, kinds[i]);
	shm = &plan.rootfs.mounts[2];
	assert_int_equal(shm->mode, 01777);
	assert_int_equal(shm->size, 64 << 20);
	assert_int_equal(shm->flags, MOUNT_F_NOSUID | MOUNT_F_NODEV | MOUNT_F_NOEXEC);
	assert_string_equal(plan.rootfs.mounts[4].source, "/sys");
	assert_int_equal(plan.rootfs.mounts[8].flags, MOUNT_F_OPTIONAL);
}

static void assert_comes_back(const char *config)
{
	struct arena arena = { 0 };
	struct plan again = { 0 };
	struct error err;
	const char *text;

	read_well(config);
	text = plan_to_oci(&plan, false, &arena);
	assert_int_equal(plan_from_oci(text, strlen(text), "-", &again, &err), 0);
	assert_null(plan_difference(&plan, &again));
	plan_free(&again);
	arena_free(&arena);
}

static void a_template_that_was_read_comes_back(void **state)
{
	(void)state;
	assert_comes_back(rootless_template);
}

static void a_filter_is_read_and_comes_back(void **state)
{
	(void)state;
	if (!policy_is_built_in())
		skip();
	assert_comes_back(SMALL ",'linux':{" SPACES ",'seccomp':{'defaultAction':"
				"'SCMP_ACT_ERRNO','architectures':['SCMP_ARCH_X86'],"
				"'syscalls':[{'names':['read'],'action':'SCMP_ACT_ALLOW',"
				"'args':[{'index':0,'value':18446744073709551615,"
				"'op':'SCMP_CMP_EQ'}]}],'unknown':null}}}");
	assert_non_null(plan.policy.profile);
	assert_string_equal(profile_name(plan.policy.profile), "/srv/bundle/config.json");
	assert_int_equal(json_count(profile_json(plan.policy.profile)), 4);
}

static void an_empty_filter_says_nothing(void **state)
{
	(void)state;
	read_well(SMALL ",'linux':{" SPACES ",'seccomp':{}}}");
	assert_null(plan.policy.profile);
}

static void what_is_left_out_has_its_usual_meaning(void **state)
{
	(void)state;
	read_well(SMALL LINUX "}");
	assert_int_equal(plan.process.uid, 0);
	assert_int_equal(plan.process.env_count, 0);
	assert_null(plan.process.env[0]);
	assert_int_equal(plan.policy.caps.kept, 0);
	assert_int_equal(plan.rootfs.mode, ROOT_RW);
	assert_int_equal(plan.namespaces.kinds[NS_PID].mode, NS_SHARED);
	assert_false(plan.policy.limits.has_oom_score_adj);
}

static void unknown_members_are_passed_over(void **state)
{
	(void)state;
	read_well(SMALL LINUX
		  ",'future':{'a':[1,2.5,null]},'annotations':{'org.example':'x'},"
		  "'hooks':{'prestart':[],'poststop':null},"
		  "'mounts':[{'destination':'/t','type':'tmpfs','future':true}]}");
	assert_int_equal(plan.rootfs.mount_count, 1);
}

static void paths_are_relative_to_the_file(void **state)
{
	struct error err;
	char expected[4200], here[4096];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/sub/rootfs", here);
	assert_int_equal(read_text(SMALL LINUX "}", "sub/config.json", &err), 0);
	assert_string_equal(plan.rootfs.path, expected);
	snprintf(expected, sizeof(expected), "%s/rootfs", here);
	assert_int_equal(read_text(SMALL LINUX "}", "-", &err), 0);
	assert_string_equal(plan.rootfs.path, expected);
	assert_int_equal(read_text(SMALL LINUX "}", "/config.json", &err), 0);
	assert_string_equal(plan.rootfs.path, "/rootfs");
}

static void a_later_option_takes_an_earlier_one_back(void **state)
{
	(void)state;
	read_well(SMALL LINUX
		  ",'mounts':[{'destination':'/t','source':'a','type':'bind',"
		  "'options':['ro','nosuid','rw','rnodev','dev','rnoexec']}]}");
	assert_int_equal(plan.rootfs.mounts[0].flags, MOUNT_F_NOSUID | MOUNT_F_NOEXEC);
	assert_string_equal(plan.rootfs.mounts[0].source, "/srv/bundle/a");
}

static void layers_of_an_overlay_are_listed_from_the_top(void **state)
{
	const struct mount_entry *entry;

	(void)state;
	read_well(
		SMALL LINUX
		",'mounts':[{'destination':'/t','type':'overlay',"
		"'options':['lowerdir=/top:/a\\\\:b:/low','upperdir=u','workdir=/w']}]}");
	entry = &plan.rootfs.mounts[0];
	assert_int_equal(entry->lower_count, 3);
	assert_string_equal(entry->lowers[0], "/low");
	assert_string_equal(entry->lowers[1], "/a:b");
	assert_string_equal(entry->lowers[2], "/top");
	assert_string_equal(entry->upper, "/srv/bundle/u");
}

static void the_annotation_for_groups_of_another_runtime_is_honoured(void **state)
{
	(void)state;
	read_well(SMALL LINUX ",'annotations':{'run.oci.keep_original_groups':'1'}}");
	assert_true(plan.ids.keep_groups);
}

static void unlimited_is_the_largest_number(void **state)
{
	(void)state;
	read_well(HEAD "'process':{'cwd':'/','rlimits':[{'type':'RLIMIT_CORE',"
		       "'soft':0,'hard':18446744073709551615}]}," ROOT LINUX "}");
	assert_true(plan.policy.limits.rlimits[0].hard == UINT64_MAX);
	assert_int_equal(plan.process.argc, 0);
	assert_null(plan.process.argv[0]);
}

static void escapes_are_undone_only_where_the_document_says_so(void **state)
{
	(void)state;
	read_well(SMALL LINUX ",'hostname':'\xef\x9e\xbf'}");
	assert_string_equal(plan.namespaces.hostname, "\xef\x9e\xbf");
	read_well(SMALL LINUX ",'hostname':'\xef\x9f\xbf',"
			      "'annotations':{'sbx.escaped_bytes':'true'}}");
	assert_string_equal(plan.namespaces.hostname, "\xff");
}

/* ---- what is refused ---------------------------------------------------------------- */

static const struct refusal {
	const char *text, *message;
} refusals[] = {
	{ "[]", "the document: not an object" },
	{ "{}", "the document: ociVersion is missing" },
	{ "{'ociVersion':2}", "ociVersion: not a string" },
	{ "{'ociVersion':'2.0.0'}", "ociVersion: only versions 1.x are read" },
	{ HEAD ROOT "}", "the document: process is missing" },
	{ HEAD "'process':{'cwd':'/'}}", "the document: root is missing" },
	{ HEAD "'root':{}," PROCESS "'x':1}", "root: path is missing" },
	{ HEAD "'root':{'path':7}," PROCESS "'x':1}", "root.path: not a string" },
	{ HEAD "'root':{'path':''}," PROCESS "'x':1}", "root: path is missing" },
	{ HEAD "'root':{'path':'/a','readonly':'yes'}," PROCESS "'x':1}",
	  "root.readonly: not true or false" },
	/* process */
	{ HEAD ROOT ",'process':{}}", "process: cwd is missing" },
	{ HEAD ROOT ",'process':{'cwd':'tmp'}}", "process.cwd: not an absolute path" },
	{ HEAD ROOT ",'process':{'cwd':'/','args':'sh'}}", "process.args: not an array" },
	{ HEAD ROOT ",'process':{'cwd':'/','args':['a',1]}}",
	  "process.args[1]: not a string" },
	{ HEAD ROOT ",'process':{'cwd':'/','env':['A']}}",
	  "process.env[0]: not of the form NAME=VALUE" },
	{ HEAD ROOT ",'process':{'cwd':'/','env':['=A']}}",
	  "process.env[0]: not of the form NAME=VALUE" },
	{ HEAD ROOT ",'process':{'cwd':'/','terminal':1}}",
	  "process.terminal: not true or false" },
	{ HEAD ROOT ",'process':{'cwd':'/','user':{'uid':4294967296}}}",
	  "process.user.uid: not within 0 and 4294967295" },
	{ HEAD ROOT ",'process':{'cwd':'/','user':{'gid':-1}}}",
	  "process.user.gid: not within 0 and 4294967295" },
	{ HEAD ROOT ",'process':{'cwd':'/','user':{'umask':512}}}",
	  "process.user.umask: not within 0 and 511" },
	{ HEAD ROOT ",'process':{'cwd':'/','user':{'additionalGids':[1,'a']}}}",
	  "process.user.additionalGids[1]: not an integer" },
	{ HEAD ROOT ",'process':{'cwd':'/','capabilities':{'bounding':['CAP_NEVER']}}}",
	  "process.capabilities.bounding[0]: no capability" },
	{ HEAD ROOT ",'process':{'cwd':'/','capabilities':{'permitted':['CAP_KILL']}}}",
	  "process.capabilities.permitted: more than the bounding set" },
	{ HEAD ROOT ",'process':{'cwd':'/','capabilities':{'effective':['CAP_KILL']}}}",
	  "process.capabilities.effective: more than the permitted set" },
	{ HEAD ROOT ",'process':{'cwd':'/','capabilities':{'ambient':['CAP_KILL']}}}",
	  "process.capabilities.ambient: more than the permitted set" },
	{ HEAD ROOT
	  ",'process':{'cwd':'/','rlimits':[{'type':'NOFILE','soft':1,'hard':1}]}}",
	  "process.rlimits[0]: type is no resource limit" },
	{ HEAD ROOT ",'process':{'cwd':'/','rlimits':[{'type':'RLIMIT_CORE','soft':1}]}}",
	  "process.rlimits[0]: soft or hard is missing" },
	{ HEAD ROOT ",'process':{'cwd':'/','rlimits':[{'type':'RLIMIT_CORE','soft':2,"
		    "'hard':1}]}}",
	  "process.rlimits[0]: soft is above hard" },
	{ HEAD ROOT ",'process':{'cwd':'/','oomScoreAdj':1001}}",
	  "process.oomScoreAdj: not within -1000 and 1000" },
	{ HEAD ROOT ",'process':{'cwd':'/','apparmorProfile':'x'}}",
	  "process.apparmorProfile: not supported" },
	{ HEAD ROOT ",'process':{'cwd':'/','scheduler':{'policy':'SCHED_IDLE'}}}",
	  "process.scheduler.policy: not supported" },
	/* the top */
	{ SMALL ",'hostname':1}", "hostname: not a string" },
	{ SMALL ",'domainname':'x'}", "domainname: not supported" },
	{ SMALL ",'hooks':{'poststart':[{'path':'/bin/x'}]}}",
	  "hooks.poststart: not supported" },
	{ SMALL ",'windows':{'layerFolders':['x']}}",
	  "windows.layerFolders: not supported" },
	/* linux */
	{ SMALL ",'linux':[]}", "linux: not an object" },
	{ SMALL ",'linux':{'namespaces':[{}]}}", "linux.namespaces[0]: type is missing" },
	{ SMALL ",'linux':{'namespaces':[{'type':'net'}]}}",
	  "linux.namespaces[0].type: no kind of namespace" },
	{ SMALL ",'linux':{'namespaces':[{'type':'pid'},{'type':'pid'}]}}",
	  "linux.namespaces[1]: a second namespace of this type" },
	{ SMALL ",'linux':{'namespaces':[{'type':'pid','path':'x'}]}}",
	  "linux.namespaces[0].path: not an absolute path" },
	{ SMALL ",'linux':{'uidMappings':[{'containerID':0,'hostID':0}]}}",
	  "linux.uidMappings[0]: size is missing" },
	{ SMALL ",'linux':{'gidMappings':[7]}}", "linux.gidMappings[0]: not an object" },
	{ SMALL ",'linux':{'sysctl':{'a':1}}}", "linux.sysctl.a: not a string" },
	{ SMALL ",'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ALOW'}}}",
	  "linux.seccomp.defaultAction: \"SCMP_ACT_ALOW\" is no action (nearest: "
	  "SCMP_ACT_ALLOW)" },
	{ SMALL
	  ",'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{}]}}}",
	  "linux.seccomp.syscalls[0]: names is missing" },
	{ SMALL
	  ",'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/x'}"
	  "}}",
	  "linux.seccomp.listenerPath: not supported" },
	{ SMALL
	  ",'annotations':{'sbx.seccomp_bpf':'0600000000000000'},'linux':{'seccomp':"
	  "{'defaultAction':'SCMP_ACT_ALLOW'}}}",
	  "linux.seccomp: annotations.sbx.seccomp_bpf is there as well" },
	{ SMALL ",'linux':{'resources':{'memory':{'limit':'5'}}}}",
	  "linux.resources.memory.limit: not an integer" },
	{ SMALL ",'linux':{'resources':{'memory':{'limit':5,'reservation':4}}}}",
	  "linux.resources.memory.reservation: not supported" },
	{ SMALL ",'linux':{'resources':{'blockIO':{'weight':5}}}}",
	  "linux.resources.blockIO.weight: less than 10" },
	{ SMALL ",'linux':{'resources':{'unified':{'io.weight':'0'}}}}",
	  "linux.resources.unified.io.weight: not a weight from 1 to 10000" },
	{ SMALL ",'linux':{'resources':{'hugepageLimits':[{'limit':1}]}}}",
	  "linux.resources.hugepageLimits: not supported" },
	{ SMALL ",'linux':{'resources':{'memory':{'swappiness':0}}}}",
	  "linux.resources.memory.swappiness: not supported" },
	{ SMALL ",'linux':{'resources':{'cpu':{'shares':512}}}}",
	  "linux.resources.cpu.shares: not supported" },
	{ SMALL ",'linux':{'resources':{'unified':{'memory.max':'1'}}}}",
	  "linux.resources.unified.memory.max: not supported" },
	{ SMALL ",'linux':{'devices':[{'path':'/dev/null'},{'path':'/dev/fuse'}]}}",
	  "linux.devices[1].path: devices cannot be made" },
	{ SMALL ",'linux':{'cgroupsPath':'a'}}", "linux.cgroupsPath: not supported" },
	{ SMALL ",'linux':{'rootfsPropagation':'shared'}}",
	  "linux.rootfsPropagation: only private and slave are supported" },
	{ SMALL ",'linux':{'maskedPaths':['proc']}}",
	  "linux.maskedPaths[0]: not an absolute path" },
	{ SMALL ",'linux':{'namespaces':[{'type':'time','path':'/t'}]}}",
	  "linux.namespaces[0].path: not supported" },
	{ SMALL "}",
	  "the document: linux.namespaces needs one of type user and a new one of "
	  "type mount" },
	{ SMALL ",'linux':{'namespaces':[{'type':'user'},{'type':'mount','path':'/m'}]}}",
	  "the document: linux.namespaces needs one of type user and a new one of type mount" },
	/* mounts */
	{ SMALL ",'mounts':{}}", "mounts: not an array" },
	{ SMALL ",'mounts':[1]}", "mounts[0]: not an object" },
	{ SMALL ",'mounts':[{'type':'proc'}]}", "mounts[0]: destination is missing" },
	{ SMALL ",'mounts':[{'destination':'p','type':'proc'}]}",
	  "mounts[0].destination: not an absolute path" },
	{ SMALL ",'mounts':[{'destination':'/p','type':'ext4'}]}",
	  "mounts[0].type: this type of mount is not supported" },
	{ SMALL ",'mounts':[{'destination':'/p','type':'devpts'}]}",
	  "mounts[0].type: this type of mount is not supported" },
	{ SMALL ",'mounts':[{'destination':'/p','type':'bind'}]}",
	  "mounts[0]: source is missing" },
	{ SMALL ",'mounts':[{'destination':'/p','type':'proc','options':['hidepid=2']}]}",
	  "mounts[0].options[0]: this option is not supported" },
	{ SMALL
	  ",'mounts':[{'destination':'/p','type':'tmpfs','options':['ro','shared']}]}",
	  "mounts[0].options[1]: this option is not supported" },
	{ SMALL ",'mounts':[{'destination':'/p','type':'tmpfs','options':['mode=8']}]}",
	  "mounts[0].options[0]: not an octal mode" },
	{ SMALL ",'mounts':[{'destination':'/p','type':'tmpfs','options':['size=x']}]}",
	  "mounts[0].options[0]: not a size" },
	{ SMALL
	  ",'mounts':[{'destination':'/p','type':'overlay','options':['lowerdir=a::b']}]}",
	  "mounts[0].options[0]: not 1 to 500 directories" },
	{ SMALL
	  ",'mounts':[{'destination':'/p','type':'overlay','options':['upperdir=a:b']}]}",
	  "mounts[0].options[0]: not one directory" },
	{ SMALL ",'mounts':[{'destination':'/p','type':'proc','uidMappings':[{}]}]}",
	  "mounts[0].uidMappings: not supported" },
	{ SMALL ",'mounts':[{'destination':'/p','sbx.kind':'odd'}]}",
	  "mounts[0].sbx.kind: no kind of mount" },
	{ SMALL ",'mounts':[{'destination':'/p','type':'proc','sbx.kind':'dir'}]}",
	  "mounts[0].type: not what goes with sbx.kind" },
	{ SMALL ",'mounts':[{'destination':'/p','sbx.kind':'dir','sbx.mod':'1'}]}",
	  "mounts[0].sbx.mod: no member of sbx" },
	{ SMALL ",'mounts':[{'destination':'/p','sbx.kind':'file','sbx.content':'a',"
		"'sbx.content_hex':'00'}]}",
	  "mounts[0].sbx.content_hex: sbx.content is there as well" },
	{ SMALL
	  ",'mounts':[{'destination':'/p','sbx.kind':'file','sbx.content_hex':'0'}]}",
	  "mounts[0].sbx.content_hex: not pairs of the digits 0-9 and a-f" },
	/* annotations */
	{ SMALL ",'annotations':{'a':1}}", "annotations.a: not a string" },
	{ SMALL ",'annotations':{'sbx.detatch':'true'}}",
	  "annotations.sbx.detatch: no annotation of sbx" },
	{ SMALL ",'annotations':{'sbx.detach':'yes'}}",
	  "annotations.sbx.detach: neither \"true\" nor \"false\"" },
	{ SMALL ",'annotations':{'sbx.timeout_ms':'-1'}}",
	  "annotations.sbx.timeout_ms: not a number" },
	{ SMALL ",'annotations':{'sbx.stop_signal':'65'}}",
	  "annotations.sbx.stop_signal: not an integer within 1 and 64" },
	{ SMALL ",'annotations':{'sbx.log_format':'xml'}}",
	  "annotations.sbx.log_format: no such value" },
	{ SMALL ",'annotations':{'sbx.root_kind':'disk'}}",
	  "annotations.sbx.root_kind: not host, directory, empty, image or served" },
	{ SMALL ",'annotations':{'sbx.root_kind':'host'}}",
	  "root: path is not / although it is the host's" },
	{ SMALL ",'annotations':{'sbx.root_mode':'ro'}}",
	  "annotations.sbx.root_mode: root.readonly says otherwise" },
	{ SMALL ",'annotations':{'sbx.keep_fds':'3,,4'}}",
	  "annotations.sbx.keep_fds: not descriptors from 3 on, with commas" },
	{ SMALL ",'annotations':{'sbx.keep_fds':'2'}}",
	  "annotations.sbx.keep_fds: not descriptors from 3 on, with commas" },
	{ SMALL ",'annotations':{'sbx.seccomp_bpf':'0600'}}",
	  "annotations.sbx.seccomp_bpf: not 1 to 4096 instructions of 8 bytes" },
	{ SMALL ",'annotations':{'run.oci.seccomp_bpf_data':'x'}}",
	  "annotations.run.oci.seccomp_bpf_data: not supported" },
};

static void each_bad_member_is_named(void **state)
{
	(void)state;
	if (!policy_is_built_in())
		skip();
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *refusal = &refusals[i];
		struct error err;
		char expected[300];

		snprintf(expected, sizeof(expected), "read c.json: %s", refusal->message);
		if (read_text(refusal->text, "c.json", &err) == 0)
			fail_msg("taken: %s", refusal->text);
		assert_string_equal(err.text, expected);
		assert_int_equal(err.id, ERROR_CONFIG);
	}
}

static void a_text_that_is_no_json_is_refused_with_its_place(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(read_text("{'a':\n}", "c.json", &err), -1);
	assert_non_null(strstr(err.text, "read c.json: line 2"));
	assert_int_equal(read_text("", "c.json", &err), -1);
}

static void a_failure_leaves_the_plan_as_it_was(void **state)
{
	struct plan before = plan_sample_full();
	struct error err;

	(void)state;
	plan = plan_sample_full();
	assert_int_equal(read_text(SMALL ",'annotations':{'sbx.x':'1'}}", "c.json", &err),
			 -1);
	assert_null(plan_difference(&plan, &before));
}

static void too_many_mounts_are_refused(void **state)
{
	enum { PATHS = 20001 };
	static const char head[] =
		"{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\"},"
		"\"root\":{\"path\":\"r\"},\"linux\":{\"maskedPaths\":[";
	char *text = malloc(sizeof(head) + PATHS * 5 + 8);
	struct error err;
	size_t used;

	(void)state;
	assert_non_null(text);
	strcpy(text, head);
	used = strlen(text);
	for (int i = 0; i < PATHS; i++)
		used += (size_t)sprintf(text + used, "%s\"/\"", i ? "," : "");
	strcpy(text + used, "]}}");
	assert_int_equal(plan_from_oci(text, strlen(text), "c", &plan, &err), -1);
	assert_string_equal(err.text, "read c: the document: more than 20000 mounts");
	free(text);
}

static void what_is_passed_over_is_told_of(void **state)
{
	const char *text;

	(void)state;
	read_well(SMALL ",'new':1,'linux':{" SPACES ",'newer':{}}}");
	text = plan_describe(&plan, &plan.arena);
	assert_non_null(strstr(text, "new: no member is called so\n"));
	assert_non_null(strstr(text, "linux.newer: no member is called so\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(resources_become_limits, give_back),
		cmocka_unit_test_teardown(a_template_of_other_runtimes_is_read,
					  give_back),
		cmocka_unit_test_teardown(mounts_of_a_template_keep_their_order,
					  give_back),
		cmocka_unit_test_teardown(a_template_that_was_read_comes_back, give_back),
		cmocka_unit_test_teardown(a_filter_is_read_and_comes_back, give_back),
		cmocka_unit_test_teardown(an_empty_filter_says_nothing, give_back),
		cmocka_unit_test_teardown(what_is_left_out_has_its_usual_meaning,
					  give_back),
		cmocka_unit_test_teardown(unknown_members_are_passed_over, give_back),
		cmocka_unit_test_teardown(paths_are_relative_to_the_file, give_back),
		cmocka_unit_test_teardown(a_later_option_takes_an_earlier_one_back,
					  give_back),
		cmocka_unit_test_teardown(layers_of_an_overlay_are_listed_from_the_top,
					  give_back),
		cmocka_unit_test_teardown(
			the_annotation_for_groups_of_another_runtime_is_honoured,
			give_back),
		cmocka_unit_test_teardown(unlimited_is_the_largest_number, give_back),
		cmocka_unit_test_teardown(
			escapes_are_undone_only_where_the_document_says_so, give_back),
		cmocka_unit_test_teardown(each_bad_member_is_named, give_back),
		cmocka_unit_test_teardown(
			a_text_that_is_no_json_is_refused_with_its_place, give_back),
		cmocka_unit_test_teardown(a_failure_leaves_the_plan_as_it_was, give_back),
		cmocka_unit_test_teardown(too_many_mounts_are_refused, give_back),
		cmocka_unit_test_teardown(what_is_passed_over_is_told_of, give_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
