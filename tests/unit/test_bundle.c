/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/error.h"
#include "tests/unit/bundles.h"

/* ---- the top -------------------------------------------------------------------------- */

static void the_root_is_found_and_said_to_be_a_containers(void **state)
{
	const struct plan *plan = bundle_read(state, BUNDLE("", ""));

	assert_true(plan->container.given);
	assert_string_equal(plan->container.version, "1.0.2");
	assert_string_equal(plan->container.bundle, "/srv/bundle");
	assert_int_equal(plan->rootfs.kind, ROOT_DIRECTORY);
	assert_int_equal(plan->rootfs.mode, ROOT_RW);
	assert_string_equal(plan->rootfs.path, "/");
	assert_true(plan->rootfs.container);
	assert_true(plan->process.no_init);
	assert_int_equal(plan->life.ready_fd, -1);
	assert_int_equal(plan->life.status_fd, -1);
	assert_null(plan->container.ignored[0]);
}

static void a_root_may_be_read_only(void **state)
{
	const struct plan *plan =
		bundle_read(state, "{'ociVersion':'1.3.0','root':{'path':'/','readonly':"
				   "true}," PROCESS("") "," LINUX(ALONE) "}");

	assert_int_equal(plan->rootfs.mode, ROOT_RO);
}

static void any_first_version_is_read(void **state)
{
	static const char *const versions[] = { "1.0.0", "1.0.2-dev", "1.3.0", "1.99.0" };

	for (size_t i = 0; i < 4; i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "{'ociVersion':'%s'," ROOT "," PROCESS("") "," LINUX(ALONE) "}",
			 versions[i]);
		assert_string_equal(bundle_read(state, text)->container.version,
				    versions[i]);
	}
}

static void names_belong_to_the_uts_namespace(void **state)
{
	const struct plan *plan = bundle_read(
		state, "{'ociVersion':'1.0.0','hostname':'box','domainname':'nis'," ROOT
		       "," PROCESS("") ",'linux':{'namespaces':[{'type':'mount'},{'type':"
				       "'uts'}]}}");

	assert_string_equal(plan->namespaces.hostname, "box");
	assert_string_equal(plan->namespaces.domainname, "nis");
}

static void unknown_members_are_passed_over(void **state)
{
	const struct plan *plan = bundle_read(
		state, BUNDLE(",'new':{'a':[1,{'b':null}]},'mounts':[{'destination':'/a',"
			      "'type':'tmpfs','sbx.kind':'dev'}],'annotations':{'a':'b'}",
			      ",'newer':1,'resources':{'memory':{'limit':0,'soft':1},"
			      "'rdma':{'a':{}}},'devices':[]"));

	bundle_ignores(plan, "new: no member is called so");
	bundle_ignores(plan, "linux.newer: no member is called so");
	bundle_ignores(plan, "mounts[0].sbx.kind: no member is called so");
	bundle_ignores(plan, "linux.resources.memory.soft: no member is called so");
	assert_null(plan->container.ignored[4]);
}

static void other_platforms_are_listed(void **state)
{
	const struct plan *plan =
		bundle_read(state, BUNDLE(",'windows':{'layerFolders':['x']},'vm':{},"
					  "'zos':{'a':1},'solaris':{},'freebsd':null",
					  ""));

	bundle_ignores(plan, "windows: of another platform");
	bundle_ignores(plan, "vm: of another platform");
	bundle_ignores(plan, "zos: of another platform");
	bundle_ignores(plan, "solaris: of another platform");
}

/* ---- process -------------------------------------------------------------------------- */

static void the_command_is_read(void **state)
{
	const struct process_spec *process =
		&bundle_read(state, PROCESS_ONLY("'cwd':'/srv','args':['sh','-c','id'],"
						 "'env':['PATH=/bin','HOME=/h'],"
						 "'user':{'uid':7,'gid':8,'umask':63,"
						 "'additionalGids':[9,10],"
						 "'username':'x'},"
						 "'commandLine':'y'"))
			 ->process;

	assert_string_equal(process->cwd, "/srv");
	assert_int_equal(process->argc, 3);
	assert_string_equal(process->argv[2], "id");
	assert_null(process->argv[3]);
	assert_int_equal(process->env_count, 2);
	assert_false(process->env_home);
	assert_int_equal(process->uid, 7);
	assert_int_equal(process->gid, 8);
	assert_int_equal(process->umask, 077);
	assert_int_equal(process->group_count, 2);
	assert_int_equal(process->groups[1], 10);
	bundle_ignores(bundle_plan(state), "process.commandLine: of another platform");
	bundle_ignores(bundle_plan(state), "process.user.username: of another platform");
}

static void a_home_is_found_where_none_is_given(void **state)
{
	const struct process_spec *process =
		&bundle_read(state, PROCESS_ONLY("'cwd':'/','args':['a'],"
						 "'env':['HOMES=/h','none','=x']"))
			 ->process;

	assert_true(process->env_home);
	assert_int_equal(process->env_count, 1);
	assert_int_equal(process->umask, 022);
	bundle_ignores(bundle_plan(state), "process.env[1]: not of the form NAME=VALUE");
	bundle_ignores(bundle_plan(state), "process.env[2]: not of the form NAME=VALUE");
}

static void a_terminal_has_its_size(void **state)
{
	const struct process_spec *process =
		&bundle_read(state,
			     PROCESS_ONLY("'cwd':'/','args':['a'],'terminal':true,"
					  "'consoleSize':{'height':25,'width':80}"))
			 ->process;

	assert_true(process->terminal);
	assert_int_equal(process->rows, 25);
	assert_int_equal(process->columns, 80);
}

static void a_size_without_a_terminal_is_listed(void **state)
{
	const struct plan *plan = bundle_read(
		state, PROCESS_ONLY("'cwd':'/','args':['a'],"
				    "'consoleSize':{'height':25,'width':80}"));

	assert_int_equal(plan->process.rows, 0);
	bundle_ignores(plan, "process.consoleSize: there is no terminal");
}

#define CAP(name) caps_by_name(name)

static void capability_sets_are_told_apart(void **state)
{
	const struct caps_spec *caps =
		&bundle_read(state,
			     BUNDLE_OF(PROCESS(",'capabilities':{"
					       "'bounding':['CAP_CHOWN','CAP_KILL'],"
					       "'permitted':['CAP_CHOWN','CAP_KILL'],"
					       "'effective':['CAP_KILL'],"
					       "'inheritable':['CAP_CHOWN'],"
					       "'ambient':['CAP_CHOWN']}"),
				       LINUX(USER)))
			 ->policy.caps;

	assert_true(caps->separate);
	assert_int_equal(caps->bounding, CAP("CAP_CHOWN") | CAP("CAP_KILL"));
	assert_int_equal(caps->kept, CAP("CAP_CHOWN") | CAP("CAP_KILL"));
	assert_int_equal(caps->effective, CAP("CAP_KILL"));
	assert_int_equal(caps->inheritable, CAP("CAP_CHOWN"));
	assert_int_equal(caps->ambient, CAP("CAP_CHOWN"));
	assert_true(caps->may_gain);
}

static void without_capabilities_there_are_none(void **state)
{
	const struct caps_spec *caps =
		&bundle_read(state,
			     BUNDLE_OF(PROCESS(",'noNewPrivileges':true"), LINUX(USER)))
			 ->policy.caps;

	assert_int_equal(caps->bounding | caps->kept | caps->effective, 0);
	assert_false(caps->may_gain);
}

static void capabilities_that_cannot_be_granted_are_listed(void **state)
{
	const struct plan *plan = bundle_read(
		state, BUNDLE_OF(PROCESS(",'capabilities':{"
					 "'permitted':['CAP_NEVER','CAP_KILL'],"
					 "'ambient':['CAP_KILL']}"),
				 LINUX(USER)));

	assert_int_equal(plan->policy.caps.kept, CAP("CAP_KILL"));
	assert_int_equal(plan->policy.caps.ambient, 0);
	bundle_ignores(plan, "process.capabilities.permitted[0]: no capability that is "
			     "known here");
	bundle_ignores(plan, "process.capabilities.ambient: what is not permitted and "
			     "inheritable is left out");
}

/* An ordinary user has none in the own user namespace; root may have all. */
static void in_the_callers_namespace_only_the_callers_are_granted(void **state)
{
	const uint64_t own = caps_effective();
	const struct plan *plan = bundle_read(
		state, BUNDLE_OF(PROCESS(",'capabilities':{'permitted':['CAP_KILL']}"),
				 LINUX(ALONE)));

	assert_int_equal(plan->policy.caps.kept, own & CAP("CAP_KILL"));
	if (!(own & CAP("CAP_KILL")))
		bundle_ignores(plan, "process.capabilities.permitted[0]: nobody here can "
				     "grant it");
}

static void limits_and_the_oom_score_are_read(void **state)
{
	const struct limits_spec *limits =
		&bundle_read(state,
			     PROCESS_ONLY("'cwd':'/','args':['a'],'oomScoreAdj':100,"
					  "'rlimits':[{'type':'RLIMIT_NOFILE','soft':5,"
					  "'hard':18446744073709551615}]"))
			 ->policy.limits;

	assert_true(limits->has_oom_score_adj);
	assert_int_equal(limits->oom_score_adj, 100);
	assert_int_equal(limits->rlimit_count, 1);
	assert_int_equal(limits->rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(limits->rlimits[0].soft, 5);
	assert_true(limits->rlimits[0].hard == UINT64_MAX);
}

static void labels_are_kept(void **state)
{
	const struct plan *plan = bundle_read(
		state, BUNDLE_OF(PROCESS(",'apparmorProfile':'docker','selinuxLabel':"
					 "'a:b:c:d'"),
				 LINUX(ALONE ",'mountLabel':'e:f:g:h'")));

	assert_string_equal(plan->process.apparmor, "docker");
	assert_string_equal(plan->process.selinux, "a:b:c:d");
	assert_string_equal(plan->rootfs.label, "e:f:g:h");
	plan = bundle_read(state, BUNDLE_OF(PROCESS(",'apparmorProfile':'',"
						    "'selinuxLabel':''"),
					    LINUX(ALONE ",'mountLabel':''")));
	assert_null(plan->process.apparmor);
	assert_null(plan->process.selinux);
	assert_null(plan->rootfs.label);
}

static void scheduling_is_read(void **state)
{
	const struct process_spec *process =
		&bundle_read(
			 state,
			 PROCESS_ONLY(
				 "'cwd':'/','args':['a'],'scheduler':{'policy':"
				 "'SCHED_DEADLINE','nice':-3,'priority':4,'flags':["
				 "'SCHED_FLAG_RESET_ON_FORK','SCHED_FLAG_DL_OVERRUN'],"
				 "'runtime':5,'deadline':6,'period':7},"
				 "'ioPriority':{'class':'IOPRIO_CLASS_IDLE',"
				 "'priority':2},"
				 "'execCPUAffinity':{'initial':'0-1','final':'3'}"))
			 ->process;

	assert_true(process->schedule.given);
	assert_int_equal(process->schedule.policy, 6);
	assert_int_equal(process->schedule.nice, -3);
	assert_int_equal(process->schedule.priority, 4);
	assert_int_equal(process->schedule.flags, 5);
	assert_int_equal(process->schedule.runtime, 5);
	assert_int_equal(process->schedule.deadline, 6);
	assert_int_equal(process->schedule.period, 7);
	assert_true(process->io.given);
	assert_int_equal(process->io.class, 3);
	assert_int_equal(process->io.priority, 2);
	assert_string_equal(process->cpus_initial, "0-1");
	assert_string_equal(process->cpus_final, "3");
}

/* ---- hooks ---------------------------------------------------------------------------- */

static void hooks_of_all_kinds_are_read(void **state)
{
	static const char *const keys[HOOK_KINDS] = { "prestart",        "createRuntime",
						      "createContainer", "startContainer",
						      "poststart",       "poststop" };

	for (int kind = 0; kind < HOOK_KINDS; kind++) {
		const struct hook_list *list;
		char text[512];

		snprintf(text, sizeof(text),
			 BUNDLE(",'hooks':{'%s':[{'path':'/a','args':['b','c'],"
				"'env':['D=e'],'timeout':9},{'path':'/f'}]}",
				""),
			 keys[kind]);
		list = &bundle_read(state, text)->container.hooks[kind];
		assert_int_equal(list->count, 2);
		assert_string_equal(list->hooks[0].path, "/a");
		assert_string_equal(list->hooks[0].argv[1], "c");
		assert_string_equal(list->hooks[0].env[0], "D=e");
		assert_int_equal(list->hooks[0].timeout_s, 9);
		assert_null(list->hooks[1].argv);
		assert_null(list->hooks[1].env);
		assert_int_equal(list->hooks[1].timeout_s, 0);
	}
}

/* ---- annotations ---------------------------------------------------------------------- */

static void annotations_of_runtimes_are_obeyed(void **state)
{
	const struct plan *plan = bundle_read(
		state,
		BUNDLE(",'annotations':{'run.oci.keep_original_groups':'1',"
		       "'run.oci.hooks.stdout':'/o','run.oci.hooks.stderr':'e',"
		       "'run.oci.systemd.subgroup':'sub','run.oci.delegate-cgroup':'d',"
		       "'run.oci.pidfd_receiver':'/p','run.oci.seccomp.receiver':'/r',"
		       "'run.oci.mount_context_type':'context',"
		       "'org.systemd.property.TasksMax':'5'}",
		       ""));
	const struct container_spec *container = &plan->container;

	assert_true(container->keep_original_groups);
	assert_true(plan->ids.keep_groups);
	assert_string_equal(container->hooks_stdout, "/o");
	assert_string_equal(container->hooks_stderr, "/srv/bundle/e");
	assert_string_equal(container->systemd_subgroup, "sub");
	assert_string_equal(container->delegate_cgroup, "d");
	assert_string_equal(container->pidfd_receiver, "/p");
	assert_string_equal(container->listener_path, "/r");
	assert_int_equal(container->systemd_property_count, 1);
	assert_string_equal(container->systemd_properties[0].key, "TasksMax");
	assert_string_equal(container->systemd_properties[0].value, "5");
	assert_int_equal(container->annotation_count, 9);
	assert_string_equal(container->annotations[1].key, "run.oci.hooks.stdout");
	assert_string_equal(container->annotations[1].value, "/o");
}

static void annotations_that_are_not_obeyed_are_listed(void **state)
{
	const struct plan *plan = bundle_read(
		state, BUNDLE(",'annotations':{'run.oci.systemd.force_cgroup_v1':'1',"
			      "'org.criu.config':'x',"
			      "'io.kubernetes.cri.container-type':'sandbox',"
			      "'sbx.root_kind':'host','my.own':'y'}",
			      ""));

	bundle_ignores(plan, "annotations.run.oci.systemd.force_cgroup_v1: hierarchies "
			     "are used as the host has them");
	bundle_ignores(plan, "annotations.org.criu.config: there are no checkpoints");
	bundle_ignores(plan, "annotations.io.kubernetes.cri.container-type: all "
			     "containers are alike");
	bundle_ignores(plan, "annotations.sbx.root_kind: only `sbx run --config` obeys "
			     "it");
	assert_int_equal(plan->rootfs.kind, ROOT_DIRECTORY);
	assert_null(plan->container.ignored[4]);
}

static void a_filter_may_stand_in_an_annotation(void **state)
{
	const struct plan *plan = bundle_read(
		state, BUNDLE(",'annotations':{'run.oci.seccomp_bpf_data':"
			      "'BgAAAAAA/38='}",
			      ",'seccomp':{'defaultAction':'SCMP_ACT_KILL'}"));
	static const unsigned char allow[] = { 6, 0, 0, 0, 0, 0, 0xff, 0x7f };

	assert_int_equal(plan->policy.filter.program.count, 1);
	assert_memory_equal(plan->policy.filter.program.instructions, allow, 8);
	assert_null(plan->policy.profile);
	bundle_ignores(plan, "linux.seccomp: an annotation has another filter");
}

/* ---- documents that are refused ------------------------------------------------------- */

static const struct bad {
	const char *text, *message;
} bad_documents[] = {
	{ "[]", "the document: not an object" },
	{ "{'ociVersion':1}", "ociVersion: not a string" },
	{ "{'ociVersion':'2.0.0'}", "ociVersion: only versions 1.x are read" },
	{ "{" ROOT "}", "the document: ociVersion is missing" },
	{ "{'ociVersion':'1.0.0'," PROCESS("") "}", "the document: root is missing" },
	{ "{'ociVersion':'1.0.0','root':{}}", "root: path is missing" },
	{ "{'ociVersion':'1.0.0','root':{'path':'/no/such'}}",
	  "root.path: there is no directory /no/such" },
	{ "{'ociVersion':'1.0.0'," ROOT "}", "the document: process is missing" },
	{ "{'ociVersion':'1.0.0'," ROOT "," PROCESS("") "}",
	  "the document: namespaces needs a new one of type mount" },
	{ BUNDLE(",'hostname':'x'", ""), "hostname: needs a namespace of type uts" },
	{ BUNDLE(",'domainname':'x'", ""), "domainname: needs a namespace of type uts" },
	{ BUNDLE(",'annotations':{'a':1}", ""), "annotations.a: not a string" },
	{ BUNDLE(",'annotations':{'':'1'}", ""), "annotations.: a key is empty" },
	{ BUNDLE(",'annotations':{'run.oci.handler':'krun'}", ""),
	  "annotations.run.oci.handler: not supported" },
	{ BUNDLE(",'annotations':{'run.oci.keep_original_groups':'yes'}", ""),
	  "annotations.run.oci.keep_original_groups: neither \"0\" nor \"1\"" },
	{ BUNDLE(",'annotations':{'run.oci.delegate-cgroup':'a/../../b'}", ""),
	  "annotations.run.oci.delegate-cgroup: leads out of the container's group" },
	{ BUNDLE(",'annotations':{'run.oci.systemd.subgroup':'..'}", ""),
	  "annotations.run.oci.systemd.subgroup: leads out of the container's group" },
	{ BUNDLE(",'annotations':{'run.oci.mount_context_type':'fscontext'}", ""),
	  "annotations.run.oci.mount_context_type: only \"context\" is supported" },
	{ BUNDLE(",'annotations':{'run.oci.seccomp_bpf_data':'BgAA'}", ""),
	  "annotations.run.oci.seccomp_bpf_data: not 1 to 4096 instructions of 8 bytes in "
	  "base64" },
	{ BUNDLE(",'hooks':{'poststop':[{}]}", ""),
	  "hooks.poststop[0]: path is missing" },
	{ BUNDLE(",'hooks':{'prestart':[{'path':'x'}]}", ""),
	  "hooks.prestart[0].path: not an absolute path" },
	{ BUNDLE(",'hooks':{'prestart':[{'path':'/x','timeout':0}]}", ""),
	  "hooks.prestart[0].timeout: not within 1 and 2147483647" },
	{ BUNDLE(",'hooks':{'prestart':[{'path':'/x','args':'a'}]}", ""),
	  "hooks.prestart[0].args: not an array" },
	/* process */
	{ PROCESS_ONLY("'args':['a']"), "process: cwd is missing" },
	{ PROCESS_ONLY("'cwd':'a','args':['a']"), "process.cwd: not an absolute path" },
	{ PROCESS_ONLY("'cwd':'/'"), "process: args is missing or empty" },
	{ PROCESS_ONLY("'cwd':'/','args':['']"), "process: args is missing or empty" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'terminal':1"),
	  "process.terminal: not true or false" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'consoleSize':{'height':70000}"),
	  "process.consoleSize.height: not within 0 and 65535" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'rlimits':[{'type':'RLIMIT_CORE','soft':1,"
		       "'hard':1},{'type':'RLIMIT_CORE','soft':1,'hard':1}]"),
	  "process.rlimits[1]: a second limit of this type" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'scheduler':{'nice':1}"),
	  "process.scheduler: policy is missing" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'scheduler':{'policy':'SCHED_ISO'}"),
	  "process.scheduler.policy: no such policy" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'scheduler':{'policy':'SCHED_OTHER',"
		       "'flags':['X']}"),
	  "process.scheduler.flags[0]: no such flag" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'ioPriority':{'class':'X'}"),
	  "process.ioPriority.class: no such class" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'ioPriority':{'class':'IOPRIO_CLASS_BE',"
		       "'priority':8}"),
	  "process.ioPriority.priority: not within 0 and 7" },
	{ PROCESS_ONLY("'cwd':'/','args':['a'],'execCPUAffinity':{'final':'a'}"),
	  "process.execCPUAffinity.final: not a list of processors such as 0-1,3" },
	{ BUNDLE_OF(PROCESS(",'capabilities':{'effective':['CAP_KILL']}"), LINUX(USER)),
	  "process.capabilities.effective: more than the permitted set" },
};

static void each_bad_document_is_refused_by_name(void **state)
{
	for (size_t i = 0; i < sizeof(bad_documents) / sizeof(bad_documents[0]); i++)
		bundle_refuses(state, bad_documents[i].text, bad_documents[i].message);
}

/* Clients read "permission denied" and the like as reasons of the command itself. */
static void no_refusal_sounds_like_one_of_the_command(void **state)
{
	for (size_t i = 0; i < sizeof(bad_documents) / sizeof(bad_documents[0]); i++) {
		struct error err;

		assert_int_equal(bundle_try(state, bad_documents[i].text, &err), -1);
		assert_null(strcasestr(err.text, "permission denied"));
		assert_null(strcasestr(err.text, "not permitted"));
		assert_null(strcasestr(err.text, "no such file"));
	}
}

/* ---- the process of an exec ----------------------------------------------------------- */

static void another_process_takes_the_place_of_the_first(void **state)
{
	static const char text[] =
		"{\"cwd\":\"/tmp\",\"args\":[\"id\"],\"user\":{\"uid\":3},"
		"\"noNewPrivileges\":true,\"capabilities\":{\"permitted\":[\"CAP_KILL\"]},"
		"\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":0}],"
		"\"terminal\":true}";
	struct plan *plan;
	struct error err;

	bundle_read(state, BUNDLE_OF(PROCESS(",'oomScoreAdj':5"), LINUX(USER)));
	plan = bundle_plan(state);
	assert_int_equal(plan_set_process(text, strlen(text), "p.json", plan, &err), 0);
	assert_string_equal(plan->process.cwd, "/tmp");
	assert_string_equal(plan->process.argv[0], "id");
	assert_int_equal(plan->process.uid, 3);
	assert_true(plan->process.terminal);
	assert_true(plan->process.no_init);
	assert_int_equal(plan->policy.caps.kept, CAP("CAP_KILL"));
	assert_false(plan->policy.caps.may_gain);
	assert_int_equal(plan->policy.limits.rlimit_count, 1);
	assert_false(plan->policy.limits.has_oom_score_adj);
	assert_string_equal(plan->rootfs.path, "/");
}

static void a_bad_process_leaves_the_plan_as_it_was(void **state)
{
	static const char text[] = "{\"cwd\":\"/tmp\",\"args\":[]}";
	struct plan *plan;
	struct error err;

	bundle_read(state, BUNDLE("", ""));
	plan = bundle_plan(state);
	assert_int_equal(plan_set_process(text, strlen(text), "p.json", plan, &err), -1);
	assert_string_equal(err.text, "read p.json: the document: args is missing or "
				      "empty");
	assert_string_equal(plan->process.cwd, "/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, bundle_give_back)
		TEST(the_root_is_found_and_said_to_be_a_containers),
		TEST(a_root_may_be_read_only),
		TEST(any_first_version_is_read),
		TEST(names_belong_to_the_uts_namespace),
		TEST(unknown_members_are_passed_over),
		TEST(other_platforms_are_listed),
		TEST(the_command_is_read),
		TEST(a_home_is_found_where_none_is_given),
		TEST(a_terminal_has_its_size),
		TEST(a_size_without_a_terminal_is_listed),
		TEST(capability_sets_are_told_apart),
		TEST(without_capabilities_there_are_none),
		TEST(capabilities_that_cannot_be_granted_are_listed),
		TEST(in_the_callers_namespace_only_the_callers_are_granted),
		TEST(limits_and_the_oom_score_are_read),
		TEST(labels_are_kept),
		TEST(scheduling_is_read),
		TEST(hooks_of_all_kinds_are_read),
		TEST(annotations_of_runtimes_are_obeyed),
		TEST(annotations_that_are_not_obeyed_are_listed),
		TEST(a_filter_may_stand_in_an_annotation),
		TEST(each_bad_document_is_refused_by_name),
		TEST(no_refusal_sounds_like_one_of_the_command),
		TEST(another_process_takes_the_place_of_the_first),
		TEST(a_bad_process_leaves_the_plan_as_it_was),
	};

	return cmocka_run_group_tests(tests, bundle_open, bundle_close);
}
