/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolv.h"

#include <string.h>

/* A word of a line; length 0: there is no more. */
struct word {
	const char *text;
	size_t length;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct word next_word(const char **at, const char *end)
{
	struct word word;

	while (*at < end && is_blank(**at))
		(*at)++;
	word.text = *at;
	while (*at < end && !is_blank(**at))
		(*at)++;
	word.length = (size_t)(*at - word.text);
	return word;
}

static bool is_word(const struct word *word, const char *text)
{
	return word->length == strlen(text) &&
	       memcmp(word->text, text, word->length) == 0;
}

static int read_server(const struct word *word, struct resolv_server *ret_server)
{
	struct resolv_server server = { .zone = "" };
	char text[IP_TEXT_MAX];
	const char *percent = memchr(word->text, '%', word->length);
	const size_t length =
		percent != NULL ? (size_t)(percent - word->text) : word->length;
	const size_t zone = percent != NULL ? word->length - length - 1 : 0;

	if (length >= sizeof(text) || zone >= sizeof(server.zone))
		return -1;
	if (percent != NULL && (zone == 0 || memchr(word->text, ':', length) == NULL))
		return -1;
	memcpy(text, word->text, length);
	text[length] = '\0';
	if (ip_parse(text, &server.ip) < 0)
		return -1;
	if (zone > 0)
		memcpy(server.zone, percent + 1, zone);
	*ret_server = server;
	return 0;
}

static void read_domains(const char **at, const char *end, size_t max,
			 struct resolv *resolv)
{
	struct word word = next_word(at, end);

	resolv->domain_count = 0;
	while (word.length > 0 && resolv->domain_count < max) {
		resolv->domains[resolv->domain_count++] =
			(struct resolv_domain){ word.text, word.length };
		word = next_word(at, end);
	}
}

static void read_options(const char **at, const char *end, struct resolv *resolv)
{
	struct word word = next_word(at, end);

	for (; word.length > 0; word = next_word(at, end)) {
		if (is_word(&word, "use-vc"))
			resolv->by_tcp = true;
	}
}

/* The keyword begins its line: one behind blanks is none (resolv.conf(5)). */
static void read_line(const char *at, const char *end, struct resolv *resolv)
{
	struct word word;

	if (at == end || is_blank(*at))
		return;
	word = next_word(&at, end);
	if (is_word(&word, "search"))
		read_domains(&at, end, RESOLV_DOMAINS_MAX, resolv);
	else if (is_word(&word, "domain"))
		read_domains(&at, end, 1, resolv);
	else if (is_word(&word, "options"))
		read_options(&at, end, resolv);
	if (!is_word(&word, "nameserver") || resolv->server_count == RESOLV_SERVERS_MAX)
		return;
	word = next_word(&at, end);
	if (read_server(&word, &resolv->servers[resolv->server_count]) == 0)
		resolv->server_count++;
}

void resolv_parse(const char *text, size_t length, struct resolv *ret_resolv)
{
	const char *end;

	*ret_resolv = (struct resolv){ .server_count = 0 };
	if (text == NULL)
		return;
	end = text + (length < RESOLV_TEXT_MAX ? length : RESOLV_TEXT_MAX);
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline != NULL ? newline : end;

		read_line(text, line_end, ret_resolv);
		text = newline != NULL ? newline + 1 : end;
	}
}
