/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/accounts_ask.h"
#include "base/accounts_lines.h"
#include "base/error.h"

static bool overlaps(const struct subid_range *a, const struct subid_range *b)
{
	return a->start < (uint64_t)b->start + b->count &&
	       b->start < (uint64_t)a->start + a->count;
}

/* A map may name no id twice, so of ranges that overlap the first counts. */
static void add_range(struct search *search, const struct subid_range *range)
{
	for (size_t i = 0; i < search->count && i < search->max; i++) {
		if (overlaps(&search->ranges[i], range))
			return;
	}
	if (search->count < search->max)
		search->ranges[search->count] = *range;
	search->count++;
}

static bool take_range(struct search *search, const char *line, size_t length)
{
	struct subid_range range;

	if (accounts_parse_subid(line, length, search->name, *search->uid, &range) == 0)
		add_range(search, &range);
	return search->count == INT_MAX;
}

/* A line of getsubids(1): "0: NAME START COUNT". */
static bool take_answer(struct search *search, const char *line, size_t length)
{
	struct field rest = { line, length }, index, name, start_field, count_field;
	uint64_t start, count;

	if (!field_take(&rest, ' ', &index) || !field_take(&rest, ' ', &name) ||
	    !field_take(&rest, ' ', &start_field) ||
	    !field_take(&rest, ' ', &count_field))
		return false;
	if (field_number(&start_field, 10, &start) < 0 ||
	    field_number(&count_field, 10, &count) < 0)
		return false;
	if (count > 0 && start <= ID_LAST && count <= ID_LAST - start + 1)
		add_range(search,
			  &(struct subid_range){ (uint32_t)start, (uint32_t)count });
	return false;
}

static bool take_nsswitch(struct search *search, const char *line, size_t length)
{
	if (accounts_parse_nsswitch(line, length))
		search->is_found = true;
	return search->is_found;
}

static int ask_for_subids(enum subid_kind kind, struct search *search, struct error *err)
{
	const char *const user_words[] = { GETSUBIDS_PATH, search->name, NULL };
	const char *const group_words[] = { GETSUBIDS_PATH, "-g", search->name, NULL };
	char output[ANSWER_SIZE];

	if (!search->name || !accounts_is_askable(search->name))
		return 0;
	if (accounts_ask(kind == SUBID_UID ? user_words : group_words, output, err) < 0)
		return -1;
	search->take = take_answer;
	accounts_search_text(output, search);
	return (int)search->count;
}

int subids_of_user(enum subid_kind kind, uint32_t uid, const char *name,
		   struct subid_range *ret_ranges, size_t max, struct error *err)
{
	struct search nsswitch = { .take = take_nsswitch };
	struct search search = { .name = name,
				 .uid = &uid,
				 .ranges = ret_ranges,
				 .max = max,
				 .take = take_range };

	if (accounts_search_file(-1, "etc/nsswitch.conf", &nsswitch, err) < 0)
		return -1;
	if (nsswitch.is_found)
		return ask_for_subids(kind, &search, err);
	if (accounts_search_file(-1, kind == SUBID_UID ? "etc/subuid" : "etc/subgid",
				 &search, err) < 0)
		return -1;
	return (int)search.count;
}

/* A line of uid_map: "INSIDE OUTSIDE COUNT", with blanks around them (user_namespaces(7)). */
static bool take_extent(struct search *search, const char *line, size_t length)
{
	const struct subid_range *range = search->ranges;
	unsigned long long numbers[3] = { 0 };
	char text[64];
	char *at = text;

	if (field_copy(text, sizeof(text), &(struct field){ line, length }) < 0)
		return false;
	for (size_t i = 0; i < 3; i++)
		numbers[i] = strtoull(at, &at, 10);
	search->is_found =
		range->start >= numbers[0] &&
		(uint64_t)range->start + range->count <= numbers[0] + numbers[2];
	return search->is_found;
}

static bool is_mapped(const char *map, struct subid_range *range)
{
	struct search search = { .ranges = range, .take = take_extent };
	struct error err;

	return accounts_search_file(-1, map, &search, &err) == 0 && search.is_found;
}

int subids_keep_mapped(enum subid_kind kind, struct subid_range *ranges, int count)
{
	const char *map = kind == SUBID_UID ? "/proc/self/uid_map" : "/proc/self/gid_map";
	int kept = 0;

	if (access(map, R_OK) < 0)
		return count;
	for (int i = 0; i < count; i++) {
		if (is_mapped(map + 1, &ranges[i]))
			ranges[kept++] = ranges[i];
	}
	return kept;
}
