/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A bundle's config.json from anybody, and the two other texts that engines hand over: the
 * process of an exec and the resources of an update.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void check_process(const struct process_spec *process)
{
	size_t count = 0;

	demand(process->argc > 0 && process->argv[0][0], "there is a command");
	demand(process->cwd[0] == '/', "the working directory is absolute");
	demand(process->no_init, "the command is process 1");
	while (process->env[count])
		count++;
	demand(count == process->env_count, "the environment ends");
}

static void check_mounts(const struct rootfs_spec *rootfs)
{
	demand(rootfs->container && rootfs->path[0] == '/', "the root is a directory");
	for (size_t i = 0; i < rootfs->mount_count; i++) {
		const struct mount_entry *entry = &rootfs->mounts[i];

		demand(entry->dest[0] == '/', "a destination is absolute");
		if (entry->kind == MOUNT_BIND)
			demand(entry->source[0] == '/', "a source is absolute");
		if (entry->kind == MOUNT_DEVICE)
			demand(entry->node, "a device has a number");
		if (entry->kind == MOUNT_FILESYSTEM)
			demand(entry->type && entry->source, "a file system has a type");
	}
}

static void check_plan(const struct plan *plan)
{
	const struct container_spec *container = &plan->container;

	demand(plan->namespaces.kinds[NS_MOUNT].mode == NS_PRIVATE, "mounts are its own");
	demand(!plan->policy.filter.notifies || container->listener_path,
	       "somebody listens");
	demand(!(plan->policy.caps.effective & ~plan->policy.caps.kept),
	       "what is effective is permitted");
	for (size_t i = 0; container->ignored[i]; i++)
		demand(strstr(container->ignored[i], ": "), "a reason is given");
	check_process(&plan->process);
	check_mounts(&plan->rootfs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct plan plan = { 0 };
	struct cgroup_resources resources;
	struct error err;

	if (plan_from_bundle(text, size, "/config.json", NULL, &plan, &err) == 0)
		check_plan(&plan);
	if (plan_set_process(text, size, "process.json", &plan, &err) == 0)
		check_process(&plan.process);
	(void)plan_read_resources(text, size, "resources.json", &plan.arena, &resources,
				  &err);
	plan_free(&plan);
	return 0;
}
