/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the command is inside, and which ids of the host stand behind that.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	SUBIDS_MAX = 64, /* a map has to fit into one page of text */
};

/* Nobody can look into it before it starts: accounts are found inside. */
static bool is_unseen(const struct draft *draft)
{
	const struct rootfs_spec *rootfs = &draft->plan.rootfs;

	return rootfs->kind == ROOT_SERVED ||
	       (rootfs->kind == ROOT_MOUNT && !rootfs->path);
}

/* The root that accounts are looked up in; -1: the host's own. */
static int open_root(const struct draft *draft, int *ret_fd, struct error *err)
{
	const struct rootfs_spec *rootfs = &draft->plan.rootfs;

	*ret_fd = -1;
	if (rootfs->kind == ROOT_HOST || rootfs->kind == ROOT_EMPTY || is_unseen(draft))
		return 0;
	*ret_fd = expand_open_accounts(rootfs);
	if (*ret_fd < 0)
		return path_explain("use the root", rootfs->path, errno,
				    ERROR_ROOT_NOT_DIRECTORY, err);
	return 0;
}

static int find_group(const struct draft *draft, int root, const char *text,
		      uint32_t *ret_gid, struct error *err)
{
	int found;

	if (text_to_u32(text, ret_gid) == 0)
		return 0;
	if (is_unseen(draft))
		return error_set(err, ERROR_IDS,
				 "find the group '%.80s' before the root is there: a "
				 "number can be used",
				 text);
	found = group_by_name(root, text, ret_gid, err);
	if (found == 1)
		return error_set(err, ERROR_IDS,
				 "find the group '%.80s': there is none%s", text,
				 root < 0 ? "" : " in the root");
	return found;
}

/* ---- --user ---- */

/* A number needs no account; where there is one, its group is what is expected. */
static int set_number(struct draft *draft, int root, uint32_t uid, struct error *err)
{
	struct process_spec *process = &draft->plan.process;
	struct account account;
	int found = is_unseen(draft) ? 1 : account_by_uid(root, uid, &account, err);

	if (found < 0)
		return -1;
	process->uid = uid;
	if (found == 0)
		process->gid = account.gid;
	else
		process->gid = root < 0 && !is_unseen(draft) ? draft->caller.gid : 0;
	return 0;
}

/*
 * A name of a directory root is looked up again inside, where --upper may have changed
 * it; what is found now decides about capabilities and catches a mistyped name.
 */
static int set_account(struct draft *draft, int root, const char *name, struct error *err)
{
	struct process_spec *process = &draft->plan.process;
	struct account account;
	const bool unseen = is_unseen(draft);
	int found = unseen ? 1 : account_by_name(root, name, &account, err);

	if (found < 0)
		return -1;
	if (found == 1 && !unseen && (root < 0 || !draft->plan.rootfs.upper))
		return error_set(err, ERROR_IDS,
				 "run as '%.80s': there is no such user%s", name,
				 root < 0 ? "" : " in the root");
	if (found == 0) {
		process->uid = account.uid;
		process->gid = account.gid;
	}
	if (root >= 0 || unseen)
		process->user_name = arena_strdup(&draft->plan.arena, name);
	return 0;
}

static int set_user(struct draft *draft, int root, struct error *err)
{
	struct process_spec *process = &draft->plan.process;
	char name[512], *group;
	uint32_t uid;

	if (text_copy(name, sizeof(name), draft->user) < 0)
		return error_set(err, ERROR_IDS,
				 "run as '%.80s...': the name is too long", name);
	group = strchr(name, ':');
	if (group)
		*group++ = '\0';
	process->user_name = NULL;
	process->gid_given = false;
	if (text_to_u32(name, &uid) == 0) {
		if (set_number(draft, root, uid, err) < 0)
			return -1;
	} else if (set_account(draft, root, name, err) < 0) {
		return -1;
	}
	if (!group)
		return 0;
	process->gid_given = true;
	return find_group(draft, root, group, &process->gid, err);
}

static void set_default_user(struct draft *draft)
{
	struct process_spec *process = &draft->plan.process;
	bool own = draft->plan.rootfs.kind == ROOT_HOST && draft->map != MAP_SUBUID;

	if (draft->from_config && draft->map != MAP_KEEP_ID)
		return;
	if (own || draft->map == MAP_KEEP_ID) {
		process->uid = draft->caller.uid;
		process->gid = draft->caller.gid;
	}
	if (own && draft->pure && draft->map == MAP_DEFAULT)
		process->uid = process->gid = PURE_ID;
}

static int add_groups(struct draft *draft, int root, struct error *err)
{
	struct process_spec *process = &draft->plan.process;
	size_t count = process->group_count;
	uint32_t *groups;

	if (draft->groups)
		draft->plan.ids.keep_groups = draft->groups == 2;
	if (!draft->group_add.count)
		return 0;
	groups = arena_alloc_array(&draft->plan.arena, count + draft->group_add.count,
				   sizeof(*groups));
	if (count)
		memcpy(groups, process->groups, count * sizeof(*groups));
	for (size_t i = 0; i < draft->group_add.count; i++) {
		if (find_group(draft, root, draft->group_add.texts[i], &groups[count++],
			       err) < 0)
			return -1;
	}
	process->groups = groups;
	process->group_count = count;
	return 0;
}

int expand_user(struct draft *draft, struct error *err)
{
	auto_close int root = -1;

	set_default_user(draft);
	if (!draft->user && !draft->group_add.count && !draft->groups)
		return 0;
	if (open_root(draft, &root, err) < 0)
		return -1;
	if (draft->user && set_user(draft, root, err) < 0)
		return -1;
	return add_groups(draft, root, err);
}

/* ---- maps ---- */

struct mapper {
	struct draft *draft;
	struct id_range *ranges;
	size_t count;
	uint64_t next; /* the first id inside that is free */
};

static bool overlaps(const struct mapper *mapper, const struct subid_range *range)
{
	for (size_t i = 0; i < mapper->count; i++) {
		const struct id_range *other = &mapper->ranges[i];

		if (range->start < (uint64_t)other->outside + other->count &&
		    other->outside < (uint64_t)range->start + range->count)
			return true;
	}
	return false;
}

static void add_range(struct mapper *mapper, uint32_t inside, uint32_t outside,
		      uint32_t count)
{
	mapper->ranges = arena_grow(&mapper->draft->plan.arena, mapper->ranges,
				    mapper->count, sizeof(*mapper->ranges));
	mapper->ranges[mapper->count++] = (struct id_range){ inside, outside, count };
}

/* Lays a range behind the last one, around the id that is mapped to itself. */
static void lay(struct mapper *mapper, const struct subid_range *range, uint32_t own,
		bool keep)
{
	uint64_t rest = range->count, outside = range->start;

	while (rest && mapper->next < UINT32_MAX) {
		uint64_t room = UINT32_MAX - mapper->next;
		uint32_t part;

		if (keep && mapper->next == own) {
			mapper->next++;
			continue;
		}
		if (keep && mapper->next < own)
			room = own - mapper->next;
		part = (uint32_t)(rest < room ? rest : room);
		add_range(mapper, (uint32_t)mapper->next, (uint32_t)outside, part);
		mapper->next += part;
		outside += part;
		rest -= part;
	}
}

static int read_subids(struct draft *draft, enum subid_kind kind,
		       struct subid_range *ret_ranges, struct error *err)
{
	const char *name;
	int count, kept;

	if (caller_account(draft, err) < 0)
		return -1;
	name = draft->caller.has_account ? draft->caller.account.name : NULL;
	count = subids_of_user(kind, draft->caller.uid, name, ret_ranges, SUBIDS_MAX,
			       err);
	if (count > SUBIDS_MAX)
		count = SUBIDS_MAX;
	kept = subids_keep_mapped(kind, ret_ranges, count);
	draft->caller.subids_elsewhere = count > 0 && kept == 0;
	return count < 0 ? -1 : kept;
}

/*
 * The caller's own id as 0 (or, keep, as itself), the subordinate ids as the others. The
 * same range may stand in the file by name and by number: what overlaps is left out.
 */
static void make_full(struct draft *draft, const struct subid_range *subids, int count,
		      uint32_t own, bool keep, struct id_map *ret_map)
{
	struct mapper mapper = { .draft = draft, .next = keep ? 0 : 1 };

	add_range(&mapper, keep ? own : 0, own, 1);
	for (int i = 0; i < count; i++) {
		if (!overlaps(&mapper, &subids[i]))
			lay(&mapper, &subids[i], own, keep);
	}
	ret_map->ranges = mapper.ranges;
	ret_map->count = mapper.count;
}

static void make_single(struct draft *draft, uint32_t inside, uint32_t own,
			struct id_map *ret_map)
{
	struct mapper mapper = { .draft = draft };

	add_range(&mapper, inside, own, 1);
	ret_map->ranges = mapper.ranges;
	ret_map->count = 1;
}

/* runsc is the root of its user namespace: with one id alone that is the command's, too. */
static void map_single(struct draft *draft)
{
	struct process_spec *process = &draft->plan.process;
	struct ids_spec *ids = &draft->plan.ids;
	const bool root = draft->plan.runtime.kind == RUNTIME_RUNSC;

	if (root && !draft->user)
		process->uid = process->gid = 0;
	make_single(draft, root ? 0 : process->uid, draft->caller.uid, &ids->uids);
	make_single(draft, root ? 0 : process->gid, draft->caller.gid, &ids->gids);
}

static int refuse_no_subids(struct draft *draft, bool uids, struct error *err)
{
	const struct caller *caller = &draft->caller;
	const char *file = uids ? "/etc/subuid" : "/etc/subgid";

	if (caller->subids_elsewhere) {
		error_set(err, ERROR_SUBIDS_MISSING,
			  "map subordinate ids: those of %s are not in the user "
			  "namespace around sbx",
			  file);
		return error_hint(err, "--map single");
	}
	if (!caller->has_account) {
		error_set(err, ERROR_SUBIDS_MISSING,
			  "map subordinate ids: %s has no line for %u", file,
			  caller->uid);
		return error_hint(
			err,
			"as root: add `%u:100000:65536` to /etc/subuid and /etc/subgid",
			caller->uid);
	}
	error_set(err, ERROR_SUBIDS_MISSING,
		  "map subordinate ids: %s has no line for %.80s", file,
		  caller->account.name);
	return error_hint(err,
			  "as root: usermod --add-subuids 100000-165535 --add-subgids "
			  "100000-165535 %.80s",
			  caller->account.name);
}

/*
 * With ranges where there are some and somebody can map them; else one id, or an error
 * where they are needed.
 */
static int map_full(struct draft *draft, bool needed, bool keep, struct error *err)
{
	struct subid_range uids[SUBIDS_MAX], gids[SUBIDS_MAX];
	int uid_count = read_subids(draft, SUBID_UID, uids, err);
	int gid_count = uid_count < 0 ? -1 : read_subids(draft, SUBID_GID, gids, err);
	struct ids_spec *ids = &draft->plan.ids;

	if (uid_count < 0 || gid_count < 0)
		return -1;
	if (needed && (!uid_count || !gid_count))
		return refuse_no_subids(draft, !uid_count, err);
	if (!uid_count || !gid_count) {
		map_single(draft);
		return 0;
	}
	make_full(draft, uids, uid_count, draft->caller.uid, keep, &ids->uids);
	make_full(draft, gids, gid_count, draft->caller.gid, keep, &ids->gids);
	if (!needed && ids_need_helper(ids) && ids_helpers_are_powerless())
		map_single(draft);
	return 0;
}

/* Where the subordinate ids end that begin before `at`, if they hold it; else `at`. */
static uint64_t skip_given(uint64_t at, const struct subid_range *subids, int count)
{
	for (int i = 0; i < count; i++) {
		if (at >= subids[i].start && at - subids[i].start < subids[i].count)
			return (uint64_t)subids[i].start + subids[i].count;
	}
	return at;
}

/* The first id of the range that nobody has given to the caller; its end if there is none. */
static uint64_t find_foreign(const struct id_range *range,
			     const struct subid_range *subids, int count)
{
	uint64_t at = range->outside, end = at + range->count;

	while (at < end) {
		uint64_t next = skip_given(at, subids, count);

		if (next == at)
			return at;
		at = next;
	}
	return end;
}

/* As newuidmap(1) will see it: subordinate ids, and one's own by itself. */
static int check_given(struct draft *draft, enum subid_kind kind,
		       const struct id_map *map, struct error *err)
{
	const struct caller *caller = &draft->caller;
	uint32_t own = kind == SUBID_UID ? caller->uid : caller->gid;
	struct subid_range subids[SUBIDS_MAX];
	int count;

	if (id_map_check(map, err) < 0)
		return 0; /* plan_check() will refuse it */
	count = read_subids(draft, kind, subids, err);
	if (count < 0)
		return -1;
	for (size_t i = 0; i < map->count && count < SUBIDS_MAX; i++) {
		const struct id_range *range = &map->ranges[i];
		uint64_t foreign = find_foreign(range, subids, count);

		if (foreign == (uint64_t)range->outside + range->count ||
		    (range->count == 1 && range->outside == own))
			continue;
		error_set(err, ERROR_IDS, "map the %s id %u: %s does not give it to you",
			  kind == SUBID_UID ? "user" : "group", (unsigned int)foreign,
			  kind == SUBID_UID ? "/etc/subuid" : "/etc/subgid");
		return error_hint(err, "--map subuid takes what it gives");
	}
	return 0;
}

static int check_all_given(struct draft *draft, struct error *err)
{
	const struct ids_spec *ids = &draft->plan.ids;

	if (!ids_need_helper(ids))
		return 0;
	if (check_given(draft, SUBID_UID, &ids->uids, err) < 0)
		return -1;
	return check_given(draft, SUBID_GID, &ids->gids, err);
}

static int map_triples(struct draft *draft, struct error *err)
{
	struct ids_spec *ids = &draft->plan.ids;

	if (!draft->map_uid_count || !draft->map_gid_count)
		return error_set(err, ERROR_IDS,
				 "use --map: there is no range for %s ids",
				 draft->map_uid_count ? "group" : "user");
	ids->uids = (struct id_map){ draft->map_uids, draft->map_uid_count };
	ids->gids = (struct id_map){ draft->map_gids, draft->map_gid_count };
	return check_all_given(draft, err);
}

static int make_maps(struct draft *draft, struct error *err)
{
	switch (draft->map) {
	case MAP_DEFAULT:
	case MAP_AUTO:
		/* runsc needs more than one id; with the host's root one's own is kept. */
		if (draft->plan.rootfs.kind != ROOT_HOST ||
		    draft->plan.runtime.kind == RUNTIME_RUNSC)
			return map_full(draft, false,
					draft->plan.rootfs.kind == ROOT_HOST, err);
		break;
	case MAP_SINGLE:
		break;
	case MAP_SUBUID:
		return map_full(draft, true, false, err);
	case MAP_KEEP_ID:
		return map_full(draft, true, true, err);
	case MAP_TRIPLES:
		return map_triples(draft, err);
	}
	map_single(draft);
	return 0;
}

static bool is_single(const struct id_map *map)
{
	return map->count == 1 && map->ranges[0].count == 1;
}

/*
 * A map that we write ourselves denies setgroups(2). With a second gid it is newgidmap
 * that writes it, and the caller's supplementary groups can be dropped.
 */
static int make_groups_droppable(struct draft *draft, struct error *err)
{
	struct ids_spec *ids = &draft->plan.ids;
	struct subid_range gids[SUBIDS_MAX];
	struct mapper mapper = { .draft = draft };
	int count;

	if (ids->keep_groups || !is_single(&ids->uids) || !is_single(&ids->gids) ||
	    !ids_has_extra_groups() || !ids_need_helper(ids))
		return 0;
	if (ids_helpers_are_powerless()) {
		error_set(err, ERROR_GROUPS,
			  "drop the supplementary groups: newgidmap has no power, as sbx "
			  "was started with no_new_privs");
		return error_hint(err, "--groups keep");
	}
	count = read_subids(draft, SUBID_GID, gids, err);
	if (count < 0)
		return -1;
	if (count == 0) {
		error_set(err, ERROR_GROUPS,
			  "drop the supplementary groups: /etc/subgid has no %s",
			  draft->caller.subids_elsewhere
				  ? "id that is in the user namespace around sbx"
				  : "line for this user");
		return error_hint(err, "--groups keep");
	}
	add_range(&mapper, ids->gids.ranges[0].inside, ids->gids.ranges[0].outside, 1);
	add_range(&mapper, ids->gids.ranges[0].inside ? 0 : 1, gids[0].start, 1);
	ids->gids = (struct id_map){ mapper.ranges, mapper.count };
	return 0;
}

int expand_ids(struct draft *draft, struct error *err)
{
	struct ids_spec *ids = &draft->plan.ids;

	/* The namespace that is joined has its map already. */
	if (draft->plan.namespaces.kinds[NS_USER].mode == NS_JOINED) {
		ids->uids.count = ids->gids.count = 0;
		return 0;
	}
	if (!draft->from_config || draft->map != MAP_DEFAULT) {
		if (make_maps(draft, err) < 0)
			return -1;
	} else if (draft->user && is_single(&ids->uids)) {
		map_single(draft);
	} else if (check_all_given(draft, err) < 0) {
		return -1;
	}
	return make_groups_droppable(draft, err);
}

static bool are_helpers_there(void)
{
	return ids_helper_path("newuidmap") && ids_helper_path("newgidmap");
}

/*
 * What cannot be had is done without: with one id nobody could start anything else, and groups
 * that cannot be dropped stay.
 */
int expand_container_ids(struct plan *plan, struct error *err)
{
	struct draft draft = { .plan = *plan };
	struct error none;
	int failed;

	draft.caller.uid = geteuid();
	draft.caller.gid = getegid();
	failed = map_full(&draft, false, false, err);
	if (!failed && make_groups_droppable(&draft, &none) < 0)
		draft.plan.ids.keep_groups = true;
	if (!failed && ids_need_helper(&draft.plan.ids) && !are_helpers_there()) {
		map_single(&draft);
		draft.plan.ids.keep_groups = true;
	}
	plan->arena = draft.plan.arena;
	if (!failed)
		plan->ids = draft.plan.ids;
	return failed;
}
