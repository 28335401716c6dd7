/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/accounts_ask.h"
#include "base/accounts_lines.h"

/* ---- users -------------------------------------------------------------------------- */

static bool take_account(struct search *search, const char *line, size_t length)
{
	if (accounts_parse_passwd(line, length, search->name, search->uid,
				  search->account) == 0)
		search->is_found = true;
	return search->is_found;
}

static int find_account(int root_fd, const char *key, struct search *search,
			struct error *err)
{
	const char *const words[] = { GETENT_PATH, "passwd", key, NULL };
	char output[ANSWER_SIZE];

	search->take = take_account;
	if (accounts_search_file(root_fd, "etc/passwd", search, err) < 0)
		return -1;
	if (search->is_found)
		return 0;
	if (root_fd >= 0)
		return 1;
	if (accounts_ask(words, output, err) < 0)
		return -1;
	/* A directory service may know the account under a fuller name. */
	search->name = NULL;
	accounts_search_text(output, search);
	return search->is_found ? 0 : 1;
}

int account_by_uid(int root_fd, uint32_t uid, struct account *ret_account,
		   struct error *err)
{
	struct search search = { .uid = &uid, .account = ret_account };
	char key[16];

	snprintf(key, sizeof(key), "%" PRIu32, uid);
	return find_account(root_fd, key, &search, err);
}

int account_by_name(int root_fd, const char *name, struct account *ret_account,
		    struct error *err)
{
	struct search search = { .name = name, .account = ret_account };

	if (!accounts_is_askable(name))
		return 1;
	return find_account(root_fd, name, &search, err);
}

/* ---- groups ------------------------------------------------------------------------- */

static bool take_group(struct search *search, const char *line, size_t length)
{
	if (accounts_parse_group(line, length, search->name, NULL, search->gid) == 0)
		search->is_found = true;
	return search->is_found;
}

int group_by_name(int root_fd, const char *name, uint32_t *ret_gid, struct error *err)
{
	const char *const words[] = { GETENT_PATH, "group", name, NULL };
	struct search search = { .name = name, .gid = ret_gid, .take = take_group };
	char output[ANSWER_SIZE];

	if (!accounts_is_askable(name))
		return 1;
	if (accounts_search_file(root_fd, "etc/group", &search, err) < 0)
		return -1;
	if (search.is_found || root_fd >= 0)
		return search.is_found ? 0 : 1;
	if (accounts_ask(words, output, err) < 0)
		return -1;
	search.name = NULL;
	accounts_search_text(output, &search);
	return search.is_found ? 0 : 1;
}

static bool take_membership(struct search *search, const char *line, size_t length)
{
	uint32_t gid;

	if (accounts_parse_group(line, length, NULL, search->name, &gid) == 0)
		search->gids[search->count++] = gid;
	return search->count == search->max;
}

int groups_of_user(int root_fd, const char *name, uint32_t *ret_gids, size_t max,
		   struct error *err)
{
	struct search search = {
		.name = name, .gids = ret_gids, .max = max, .take = take_membership
	};

	if (max == 0)
		return 0;
	if (accounts_search_file(root_fd, "etc/group", &search, err) < 0)
		return -1;
	return (int)search.count;
}
