/* SPDX-License-Identifier: Apache-2.0 */
/* Whose kernel the command runs on, and what follows from that for the rest of the plan. */
#include "base/error.h"
#include "plan/internal.h"
#include "plan/restricted.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define WITH "with --runtime runsc: "

/* Options that ask our own kernel for something, or somebody who stands beside it. */
static const struct restricted restricted[] = {
	{ "isolation", { "userns" }, "gVisor needs namespaces", "--isolation userns" },
	{ "proc",
	  { "new", "pids" },
	  "gVisor shows its own processes, and always does",
	  "--proc new" },
	{ "root-emu",
	  { "auto", "off" },
	  "gVisor's kernel answers system calls itself",
	  "--root-emu off" },
	{ "explain",
	  { "auto", "off" },
	  "gVisor's kernel answers system calls itself",
	  "--explain off" },
	{ "denials", { NULL }, "gVisor's kernel answers system calls itself", NULL },
	{ "landlock", { "auto", "off" }, "gVisor has no Landlock", "--landlock off" },
	{ "keep-fd", { NULL }, "no descriptor of the caller's gets into gVisor", NULL },
	{ "preserve-fds",
	  { "0" },
	  "no descriptor of the caller's gets into gVisor",
	  NULL },
	{ "pure", { NULL }, "gVisor's kernel chooses clocks and addresses itself", NULL },
};

static int check_options(const struct draft *draft, struct error *err)
{
	static const struct restriction runsc = {
		restricted,
		COUNT(restricted),
		"--runtime runsc: ",
		"--runtime native",
	};

	return check_restricted(draft, &runsc, err);
}

/* gVisor has kinds of its own of all but these; a host name is simply read. */
static int check_namespaces(const struct namespaces_spec *namespaces, struct error *err)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		const enum ns_mode mode = namespaces->kinds[kind].mode;

		if (kind == NS_NET || kind == NS_UTS || mode == NS_PRIVATE)
			continue;
		error_set(err, ERROR_USAGE,
			  "use --%s %s " WITH "what belongs to it is gVisor's own",
			  mode == NS_SHARED ? "share" : "join",
			  ns_name((enum ns_kind)kind));
		return error_hint(err, "--runtime native");
	}
	return 0;
}

/* Of a configuration, which needs no option for it. */
static int check_configured(const struct plan *plan, struct error *err)
{
	const char *what = NULL;

	if (plan->process.keep_fd_count)
		what = "sbx.keep_fds";
	else if (plan->policy.explains)
		what = "sbx.explains";
	else if (plan->policy.emulate_root)
		what = "sbx.emulate_root";
	else if (plan->process.fixed_addresses)
		what = "sbx.fixed_addresses";
	else if (plan->namespaces.new_time)
		what = "a time namespace";
	if (!what)
		return 0;
	error_set(err, ERROR_USAGE, "use the configuration " WITH "it has %s", what);
	return error_hint(err, "--runtime native");
}

/*
 * What nobody asked for is left out: the default policy is there to keep a program from the
 * kernel, and here there is another kernel between the two.
 */
static void leave_out(struct draft *draft)
{
	struct plan *plan = &draft->plan;
	const bool named = find_given(draft, "policy") || draft->from_config;

	plan->process.no_init = false;
	if (plan->policy.landlock.mode == LANDLOCK_AUTO)
		plan->policy.landlock.mode = LANDLOCK_OFF;
	if (named || draft->seccomp)
		return;
	plan->policy.operand = "none";
	plan->policy.profile = NULL;
}

/* One of several words for a runtime that was not chosen has no meaning. */
static int check_unused(const struct draft *draft, struct error *err)
{
	static const char *const options[] = { "platform", "gvisor-net", "differences",
					       "runsc", "runsc-pin" };

	for (size_t i = 0; i < COUNT(options); i++) {
		const struct given *given = find_given(draft, options[i]);

		if (!given || given->level != LEVEL_COMMAND_LINE)
			continue;
		error_set(err, ERROR_USAGE, "use --%s: the runtime is native",
			  options[i]);
		return error_hint(err, "--runtime runsc");
	}
	return 0;
}

int expand_runtime(struct draft *draft, struct error *err)
{
	struct runtime_spec *runtime = &draft->plan.runtime;

	if (draft->gvisor_net)
		runtime->net = (enum gvisor_net)(draft->gvisor_net - 1);
	if (draft->differences)
		runtime->differences_refused = draft->differences == 2;
	if (runtime->kind == RUNTIME_NATIVE)
		return check_unused(draft, err);
	if (check_options(draft, err) < 0 ||
	    check_namespaces(&draft->plan.namespaces, err) < 0 ||
	    check_configured(&draft->plan, err) < 0)
		return -1;
	leave_out(draft);
	return 0;
}
