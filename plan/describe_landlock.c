/* SPDX-License-Identifier: Apache-2.0 */
/* --isolation landlock in words: what it opens, and what it does not protect. */
#include "base/text.h"
#include "plan/internal.h"

#include <string.h>

/* Landlock has no right for these, and there is no namespace that would keep them in. */
static const char *const always_open[] = {
	"which files exist, with their sizes, owners and times, is seen everywhere",
	"processes of the host and their command lines are seen",
	"/proc and /sys are the host's, and can be read",
	"files that can be read can be locked, and priorities of your processes lowered",
	"what the command leaves running is ended as far as it can be found",
};

static const char modes_open[] =
	"modes, owners, times and attributes of your files can be changed, wherever they lie";

/* Whether this kernel leaves open what the plan wants closed. */
static bool is_open(const struct landlock_guarantee *guarantee, int abi,
		    const struct plan *plan)
{
	const struct landlock_spec *landlock = &plan->policy.landlock;

	if (abi >= guarantee->abi)
		return false;
	/* The filter closes what has no network, and sockets by path. */
	if (!strcmp(guarantee->what, "TCP ports"))
		return false;
	return strcmp(guarantee->what, "sockets by path") != 0 ||
	       !landlock->scope_abstract_unix;
}

static void put_place(struct page *page, const struct mount_entry *entry)
{
	const bool shown =
		entry->kind == MOUNT_BIND && strcmp(entry->source, entry->dest) == 0;

	if (!shown && !isolation_hides(entry))
		return;
	page_begin(page, "");
	page_put_printable(page, entry->dest);
	if (entry->kind == MOUNT_DEV)
		page_put(page, ": null, zero, full, random, urandom, tty\n");
	else if (!shown)
		page_put(page, ": closed\n");
	else
		page_put(page, entry->flags & MOUNT_F_RDONLY ? ": can be read\n"
							     : ": can be written\n");
}

static void put_places(struct page *page, const struct rootfs_spec *rootfs)
{
	page_begin(page, "root");
	page_put(page, "the host's own, can be read, but for\n");
	for (size_t i = 0; i < rootfs->mount_count; i++)
		put_place(page, &rootfs->mounts[i]);
	page_begin(page, "writes");
	page_put(page, "a private directory too, HOME and TMPDIR; it goes at the end\n");
}

static void put_hole(struct page *page, const char *hole)
{
	page_begin(page, "");
	page_put(page, hole);
	page_put(page, "\n");
}

static void put_holes(struct page *page, const struct plan *plan)
{
	const int abi = landlock_abi();

	page_begin(page, "stays open");
	page_put(page, "your supplementary groups are kept\n");
	for (size_t i = 0; i < sizeof(always_open) / sizeof(*always_open); i++)
		put_hole(page, always_open[i]);
	if (!plan->policy.landlock.keeps_modes)
		put_hole(page, modes_open);
	for (const struct landlock_guarantee *each = landlock_guarantees(); each->abi;
	     each++)
		if (is_open(each, abi, plan))
			put_hole(page, each->hole);
}

void describe_isolation(struct page *page, const struct plan *plan)
{
	page_begin(page, "isolation");
	page_printf(page,
		    "Landlock (ABI %d) and a filter of %zu instructions, no namespace\n",
		    landlock_abi(), plan->policy.landlock.filter.count);
	put_places(page, &plan->rootfs);
	page_begin(page, "network");
	page_put(page, plan->policy.landlock.reaches_network
			       ? "the host's own, all of it\n"
			       : "none\n");
	put_holes(page, plan);
}

const char *plan_unprotected(const struct plan *plan, struct arena *arena)
{
	struct page page = { .arena = arena };
	const int abi = landlock_abi();

	if (!plan->policy.landlock.whole)
		return NULL;
	page_printf(&page,
		    "behind Landlock alone the command sees which files and processes "
		    "there are%s, and keeps your groups; --dry-run lists what is not "
		    "protected\n",
		    plan->policy.landlock.keeps_modes
			    ? ""
			    : ", can change modes and times of your files");
	for (const struct landlock_guarantee *each = landlock_guarantees(); each->abi;
	     each++)
		if (is_open(each, abi, plan))
			page_printf(&page, "not by this kernel (Landlock ABI %d): %s\n",
				    abi, each->hole);
	return page.text;
}
