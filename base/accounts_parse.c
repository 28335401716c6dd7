/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"

#include <string.h>

#include "base/accounts_lines.h"
#include "base/text.h"

/* Blank lines, comments, and the + and - lines of nsswitch's "compat". */
static bool is_no_entry(const char *line, size_t length)
{
	return length == 0 || strchr("#+- \t", line[0]) != NULL;
}

/* "x:UID:GID", which may have more behind it. */
static int read_ids(struct field *rest, uint32_t *ret_uid, uint32_t *ret_gid)
{
	struct field password, uid_field, gid_field;
	uint32_t uid, gid;

	if (!field_take(rest, ':', &password) || !field_take(rest, ':', &uid_field) ||
	    !field_take(rest, ':', &gid_field))
		return -1;
	if (field_id(&uid_field, &uid) < 0 || field_id(&gid_field, &gid) < 0)
		return -1;
	*ret_uid = uid;
	*ret_gid = gid;
	return 0;
}

/* "GECOS:HOME:SHELL". Small images leave it out, or its end. */
static int read_home(struct field *rest, struct field *ret_home, struct field *ret_shell)
{
	struct field gecos;

	*ret_home = *ret_shell = (struct field){ "", 0 };
	if (field_take(rest, ':', &gecos) && field_take(rest, ':', ret_home))
		field_take(rest, ':', ret_shell);
	return ret_home->length < sizeof(((struct account *)0)->home) &&
			       ret_shell->length < sizeof(((struct account *)0)->shell)
		       ? 0
		       : -1;
}

int accounts_parse_passwd(const char *line, size_t length, const char *name,
			  const uint32_t *uid, struct account *ret_account)
{
	struct field rest = { line, length }, names, home, shell;
	uint32_t found_uid, found_gid;

	if (memchr(line, '\0', length))
		return -1;
	if (is_no_entry(line, length))
		return 1;
	if (!field_take(&rest, ':', &names) || names.length == 0 ||
	    names.length >= sizeof(ret_account->name))
		return -1;
	if (name && !field_is(&names, name))
		return 1;
	if (read_ids(&rest, &found_uid, &found_gid) < 0 ||
	    read_home(&rest, &home, &shell) < 0)
		return -1;
	if (uid && found_uid != *uid)
		return 1;
	ret_account->uid = found_uid;
	ret_account->gid = found_gid;
	field_copy(ret_account->name, sizeof(ret_account->name), &names);
	field_copy(ret_account->home, sizeof(ret_account->home), &home);
	field_copy(ret_account->shell, sizeof(ret_account->shell), &shell);
	return 0;
}

/* Whether the entry's first field is the user: by name, or by number. */
static bool is_owner(const struct field *owner, const char *name, uint32_t uid)
{
	uint32_t number;

	if (name && field_is(owner, name))
		return true;
	return field_id(owner, &number) == 0 && number == uid;
}

int accounts_parse_subid(const char *line, size_t length, const char *name, uint32_t uid,
			 struct subid_range *ret_range)
{
	struct field rest = { line, length }, owner, start_field, count_field;
	uint64_t start, count;

	if (memchr(line, '\0', length))
		return -1;
	if (is_no_entry(line, length))
		return 1;
	if (!field_take(&rest, ':', &owner) || !field_take(&rest, ':', &start_field) ||
	    !field_take(&rest, ':', &count_field) || rest.text || owner.length == 0)
		return -1;
	if (!is_owner(&owner, name, uid))
		return 1;
	/* newuidmap(1) reads these with strtol's base 0. */
	if (field_number(&start_field, 0, &start) < 0 ||
	    field_number(&count_field, 0, &count) < 0)
		return -1;
	if (count == 0)
		return 1;
	if (start > ID_LAST || count > ID_LAST - start + 1)
		return -1;
	ret_range->start = (uint32_t)start;
	ret_range->count = (uint32_t)count;
	return 0;
}

int accounts_parse_group(const char *line, size_t length, const char *name,
			 const char *member, uint32_t *ret_gid)
{
	struct field rest = { line, length }, field, names, members = { "", 0 };
	bool is_member = !member;
	uint32_t gid;

	if (memchr(line, '\0', length))
		return -1;
	if (is_no_entry(line, length))
		return 1;
	if (!field_take(&rest, ':', &names) || names.length == 0)
		return -1;
	if (name && !field_is(&names, name))
		return 1;
	if (!field_take(&rest, ':', &field) || !field_take(&rest, ':', &field) ||
	    field_id(&field, &gid) < 0)
		return -1;
	field_take(&rest, ':', &members);
	while (!is_member && field_take(&members, ',', &field))
		is_member = field_is(&field, member);
	if (!is_member)
		return 1;
	*ret_gid = gid;
	return 0;
}

bool accounts_parse_nsswitch(const char *line, size_t length)
{
	static const char blanks[] = " \t";
	char text[256];
	const struct field field = { line, length };
	char *source;

	if (field_copy(text, sizeof(text), &field) < 0)
		return false;
	text[strcspn(text, "#")] = '\0';
	source = text + strspn(text, blanks);
	if (!text_starts_with(source, "subid"))
		return false;
	source += strlen("subid");
	source += strspn(source, blanks);
	if (*source != ':')
		return false;
	source++;
	source += strspn(source, blanks);
	source[strcspn(source, blanks)] = '\0';
	return *source != '\0' && strcmp(source, "files") != 0;
}
