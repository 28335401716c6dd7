/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image or an archive as root: who gets it is the launcher's matter (struct plan_roots);
 * here it is asked for, and what the image says of itself becomes defaults, which options
 * override.
 */
#include "base/error.h"
#include "base/fd.h"
#include "plan/internal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- what cannot be ---- */

static int refuse_writing(const struct draft *draft, struct error *err)
{
	error_set(err, ERROR_USAGE,
		  "use --root-mode rw: %.120s is an image, not a directory", draft->root);
	return error_hint(err,
			  "--upper DIR keeps what is written; sbx image unpack makes a "
			  "directory of it");
}

static int check_options(const struct draft *draft, struct error *err)
{
	if (draft->root_mode == ROOT_MODE_RW)
		return refuse_writing(draft, err);
	if (draft->plan.namespaces.kinds[NS_USER].mode == NS_JOINED)
		return error_set(
			err, ERROR_USAGE,
			"use an image as root in a user namespace that is joined: "
			"its ids are not known");
	if (!draft->roots)
		return error_set(err, ERROR_ARCHIVE_UNSUPPORTED,
				 "use %.120s as root: images cannot be used here",
				 draft->root);
	return 0;
}

/* ---- what the image says ---- */

static size_t count_of(const char *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

/*
 * As docker and rkt have it: COMMAND takes the place of the image's command and follows its
 * entrypoint. Another entrypoint leaves the image's command out.
 */
static void set_command(struct draft *draft, const struct image_config *config)
{
	const char *const own[] = { draft->entrypoint, NULL };
	const bool given = draft->command && draft->command[0];
	const char *const *first = draft->entrypoint ? own : config->entrypoint;
	const char *const *rest = given               ? draft->command
				  : draft->entrypoint ? NULL
						      : config->command;
	const size_t first_count =
		draft->entrypoint && !*draft->entrypoint ? 0 : count_of(first);
	const size_t rest_count = count_of(rest);
	const char **argv;

	argv = arena_alloc_array(&draft->plan.arena, first_count + rest_count + 1,
				 sizeof(*argv));
	if (first_count)
		memcpy(argv, first, first_count * sizeof(*argv));
	if (rest_count)
		memcpy(argv + first_count, rest, rest_count * sizeof(*argv));
	draft->command = argv;
}

static bool is_given(const struct draft *draft, const char *name)
{
	for (size_t i = 0; i < draft->given_count; i++) {
		if (strcmp(draft->given[i].row->name, name) == 0)
			return true;
	}
	return false;
}

static void set_process(struct draft *draft, const struct image_config *config)
{
	const int stop = config->stop_signal ? signal_by_name(config->stop_signal) : -1;

	if (!draft->user && config->user && *config->user)
		draft->user = config->user;
	if (!draft->workdir && config->workdir && config->workdir[0] == '/')
		draft->workdir = path_clean(&draft->plan.arena, config->workdir);
	if (stop > 0 && !is_given(draft, "stop-signal"))
		draft->plan.process.stop_signal = stop;
}

static bool is_published(const struct net_words *net, const struct image_port *port)
{
	const enum net_protocol protocol = port->udp ? PROTOCOL_UDP : PROTOCOL_TCP;

	for (size_t i = 0; i < net->published_count; i++) {
		const struct publish *known = &net->published[i];

		if (known->protocol == protocol &&
		    known->guest_ports.first <= port->port &&
		    port->port <= known->guest_ports.last)
			return true;
	}
	return false;
}

/* Each that the image exposes, and that no -p shows already, on a port that is free. */
static void publish_ports(struct draft *draft, const struct image_config *config)
{
	struct net_words *net = &draft->net;

	for (size_t i = 0; i < config->port_count; i++) {
		const struct image_port *port = &config->ports[i];

		if (is_published(net, port))
			continue;
		net->published =
			arena_grow(&draft->plan.arena, net->published,
				   net->published_count, sizeof(*net->published));
		net->published[net->published_count++] = (struct publish){
			.guest_ports = { port->port, port->port },
			.protocol = port->udp ? PROTOCOL_UDP : PROTOCOL_TCP,
		};
	}
}

/* ---- the root ---- */

static void set_root_of(struct draft *draft, const struct image_root *root)
{
	struct rootfs_spec *rootfs = &draft->plan.rootfs;

	rootfs->mount = root->mount;
	if (root->layer_count) {
		rootfs->kind = ROOT_DIRECTORY;
		rootfs->path = root->layers[0];
		rootfs->layers = root->layers + 1;
		rootfs->layer_count = root->layer_count - 1;
		return;
	}
	rootfs->kind = ROOT_MOUNT;
	/* what is written is told apart from what was there */
	rootfs->mount_is_spare = !life_is_recorded(&draft->plan.life);
	rootfs->path = root->mount < 0 ? NULL
				       : arena_printf(&draft->plan.arena,
						      "/proc/self/fd/%d", root->mount);
}

/* What a run would extract can be looked at only there. */
static bool looks_only(const struct draft *draft)
{
	return draft->looks_only || draft->plan.life.dry_run;
}

int expand_image(struct draft *draft, struct error *err)
{
	struct plan *plan = &draft->plan;
	struct image_root root = { .mount = -1 };

	plan->image.operand = draft->root;
	plan->image.runs = plan->life.repeat;
	plan->image.wants_digest = life_is_recorded(&plan->life) || draft->upper;
	if (check_options(draft, err) < 0)
		return -1;
	plan->rootfs.kind = ROOT_MOUNT; /* decides about the ids */
	plan->rootfs.mount = -1;
	plan->rootfs.mode = draft->root_mode == ROOT_MODE_RO ? ROOT_RO : ROOT_COW;
	if (draft->upper)
		plan->rootfs.upper = draft->upper;
	plan->image.memory = plan->rootfs.scratch_size;
	if (expand_ids(draft, err) < 0 ||
	    draft->roots->get(&plan->image, &plan->ids, looks_only(draft), &plan->arena,
			      &root, err) < 0)
		return -1;
	plan->image.config = root.config;
	plan->image.digest = root.digest;
	plan->image.mounts = root.mounts;
	plan->image.held = root.held;
	plan->image.held_count = root.held_count;
	set_root_of(draft, &root);
	if (draft->publish_all)
		publish_ports(draft, &root.config);
	if (draft->from_config)
		return 0;
	set_process(draft, &root.config);
	set_command(draft, &root.config);
	return 0;
}

/* The directory, or the mount, in which accounts of the image are found. */
int expand_open_accounts(const struct rootfs_spec *rootfs)
{
	for (size_t i = rootfs->layer_count; i-- > 0;) {
		auto_close int layer =
			open(rootfs->layers[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (layer >= 0 && faccessat(layer, "etc/passwd", F_OK, 0) == 0)
			return fd_take(&layer);
	}
	return open(rootfs->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}
