/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_ACCOUNTS_H
#define SBX_BASE_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/*
 * Users, groups and subordinate ids. The front ends are static files, so the files are
 * read by us (passwd(5), group(5), subuid(5)); for an account that is not in them the
 * host functions ask getent(1) by its absolute path with an empty environment. Numbers
 * stay numbers: "1000" is never looked up as a name.
 */
struct account {
	uint32_t uid, gid;
	char name[256]; /* LOGIN_NAME_MAX */
	char home[4096];
	char shell[4096];
};

/* 0 found, 1 there is no such account, -1 error. dir_fd is the root to look in
 * ("etc/passwd" below it, links resolved inside it; no getent there), or -1: the host. */
int account_by_uid(int root_fd, uint32_t uid, struct account *ret_account,
		   struct error *err);
int account_by_name(int root_fd, const char *name, struct account *ret_account,
		    struct error *err);

/* 0 found, 1 no such group, -1 error. */
int group_by_name(int root_fd, const char *name, uint32_t *ret_gid, struct error *err);

/*
 * The supplementary groups that group(5) of the root gives to name; at most max. Returns
 * their number, -1 error.
 */
int groups_of_user(int root_fd, const char *name, uint32_t *ret_gids, size_t max,
		   struct error *err);

struct subid_range {
	uint32_t start, count;
};

enum subid_kind { SUBID_UID, SUBID_GID };

/*
 * The subordinate ranges of a user, from /etc/subuid or /etc/subgid by name and by
 * number, in the order of the file, without empty and overflowing ones and those that
 * overlap an earlier one; where nsswitch.conf(5) has a `subid:` line with another source
 * than files, getsubids(1) is asked. name may be NULL. Returns how many there are (at most max are stored), 0 when
 * there is none or no file, -1 error.
 */
int subids_of_user(enum subid_kind kind, uint32_t uid, const char *name,
		   struct subid_range *ret_ranges, size_t max, struct error *err);

/*
 * Leaves out the ranges that the caller's own user namespace does not map whole, as in a
 * container: nobody in it can hand them on. Returns how many are left, in their order.
 * Without /proc all are.
 */
int subids_keep_mapped(enum subid_kind kind, struct subid_range *ranges, int count);

/* The parsers of one line, for tests and fuzzing. line has no newline. 0 it is an entry
 * that matches (name, uid and member may be NULL: any), 1 it is not, -1 malformed. */
int accounts_parse_passwd(const char *line, size_t length, const char *name,
			  const uint32_t *uid, struct account *ret_account);
int accounts_parse_group(const char *line, size_t length, const char *name,
			 const char *member, uint32_t *ret_gid);
int accounts_parse_subid(const char *line, size_t length, const char *name, uint32_t uid,
			 struct subid_range *ret_range);

/* Whether this line of nsswitch.conf(5) has subordinate ids read from elsewhere. */
bool accounts_parse_nsswitch(const char *line, size_t length);

#endif
