/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolv.conf and hosts of the sandbox: private copies, bound over what the root has
 * there, which is never changed. They can be written where the root can, and go at the end. A
 * link is followed; what it leads to is made where that changes nothing on the host.
 */
#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "plan/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS       "/etc/hosts"

enum { HOSTS_MAX = 65536 };

bool net_file_mounted(const struct mount_entry *entry)
{
	return entry->kind == MOUNT_DATA &&
	       (!strcmp(entry->dest, RESOLV_CONF) || !strcmp(entry->dest, HOSTS));
}

/* ---- what they say -------------------------------------------------------------------- */

static const char *resolv_conf_of(struct draft *draft)
{
	const struct plan *plan = &draft->plan;
	const char *text = net_resolv_conf(&plan->net, &draft->plan.arena);

	/* The host's root shows the file of the network that is shared. */
	if (text || plan->rootfs.kind == ROOT_HOST ||
	    plan->namespaces.kinds[NS_NET].mode != NS_SHARED)
		return text;
	return net_host_resolv_conf(&draft->plan.arena);
}

static const char *hosts_of_host(struct arena *arena)
{
	char *text = arena_alloc(arena, HOSTS_MAX + 1);

	return files_read(AT_FDCWD, HOSTS, text, HOSTS_MAX) < 0 ? "" : text;
}

/*
 * The host's own file holds where its root or its network is shown, with what was asked for
 * behind it.
 */
static const char *hosts_of(struct draft *draft)
{
	struct arena *arena = &draft->plan.arena;
	const struct plan *plan = &draft->plan;
	const bool own_root = plan->rootfs.kind == ROOT_HOST;
	const char *hostname = plan->namespaces.hostname, *text;

	if (own_root && !plan->net.host_count)
		return NULL;
	text = net_hosts_file(&plan->net, hostname, arena);
	if (!own_root && plan->namespaces.kinds[NS_NET].mode != NS_SHARED)
		return text;
	return arena_printf(arena, "%s\n%s", hosts_of_host(arena), text ? text : "");
}

/* ---- where they are bound ------------------------------------------------------------- */

static void note_missing(struct draft *draft)
{
	char root[PATH_MAX];

	text_printable(root, sizeof(root), draft->plan.rootfs.path);
	add_note(draft, true,
		 arena_printf(&draft->plan.arena,
			      "no names can be looked up: " RESOLV_CONF
			      " is missing in the root, and nothing is made in a root "
			      "that is written through; `touch %s" RESOLV_CONF "` once",
			      root));
}

/*
 * A root that is written through has to have the file: it would stay there. 0 bind it, 1
 * there is nothing to bind it on.
 */
static int find_place(struct draft *draft, const char *dest)
{
	const struct plan *plan = &draft->plan;
	char host[PATH_MAX];

	if (plan->rootfs.kind == ROOT_HOST || plan->rootfs.mode != ROOT_RW ||
	    !inside_is_certain(plan) || inside_find(plan, dest, host) != INSIDE_MISSING)
		return 0;
	if (!strcmp(dest, RESOLV_CONF))
		note_missing(draft);
	return 1;
}

static size_t put_file(struct draft *draft, const char *dest, const char *text,
		       bool asked, struct mount_entry *ret_entry)
{
	const struct rootfs_spec *rootfs = &draft->plan.rootfs;
	const bool writable = rootfs->kind != ROOT_HOST && rootfs->mode != ROOT_RO;

	if (!text || find_place(draft, dest) != 0)
		return 0;
	*ret_entry = (struct mount_entry){
		.kind = MOUNT_DATA,
		.flags = MOUNT_F_NOSUID | MOUNT_F_NODEV | MOUNT_F_NOEXEC |
			 (writable ? 0U : MOUNT_F_RDONLY) |
			 (asked ? 0U : MOUNT_F_OPTIONAL),
		.dest = dest,
		.mode = 0644,
		.content = text,
		.content_size = strlen(text),
	};
	return 1;
}

size_t net_files(struct draft *draft, struct mount_entry *ret_entries)
{
	const struct net_spec *spec = &draft->plan.net;
	size_t count;

	if (spec->no_resolv || draft->plan.policy.landlock.whole)
		return 0;
	count = put_file(draft, RESOLV_CONF, resolv_conf_of(draft),
			 spec->upstream_count || spec->search_count, ret_entries);
	return count + put_file(draft, HOSTS, hosts_of(draft), spec->host_count > 0,
				ret_entries + count);
}
